// NativeContentStore of src/addon/native.ts over core/content: argument checks and promises, nothing else.
#include "content.h"

#include <unistd.h>

#include <future>

#include "arguments.h"
#include "blob.h"
#include "journal.h"
#include "rooms.h"

namespace packetfs {
namespace {

constexpr napi_type_tag kContentTag = {0x5046535f434f4e54, 0x6e61746976650002};
constexpr std::uint64_t kReadBytesMax = 1ULL << 30;

Napi::Value modifiedOrUndefined(Napi::Env env, std::int64_t modifiedNs) {
  return modifiedNs == 0 ? env.Undefined() : Napi::BigInt::New(env, modifiedNs);
}

class ContentObject final : public Napi::ObjectWrap<ContentObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeContentStore",
                       {InstanceMethod<&ContentObject::open>("open"),
                        InstanceMethod<&ContentObject::close>("close"),
                        InstanceMethod<&ContentObject::isOpen>("isOpen"),
                        InstanceMethod<&ContentObject::replace>("replace"),
                        InstanceMethod<&ContentObject::resemble>("resemble"),
                        InstanceMethod<&ContentObject::grow>("grow"),
                        InstanceMethod<&ContentObject::reveal>("reveal"),
                        InstanceMethod<&ContentObject::read>("read"),
                        InstanceMethod<&ContentObject::write>("write"),
                        InstanceMethod<&ContentObject::truncate>("truncate"),
                        InstanceMethod<&ContentObject::allocate>("allocate"),
                        InstanceMethod<&ContentObject::seek>("seek"),
                        InstanceMethod<&ContentObject::copyRange>("copyRange"),
                        InstanceMethod<&ContentObject::ingest>("ingest"),
                        InstanceMethod<&ContentObject::takePatch>("takePatch"),
                        InstanceMethod<&ContentObject::state>("state"),
                        InstanceMethod<&ContentObject::isDirty>("isDirty"),
                        InstanceMethod<&ContentObject::forgetModified>("forgetModified"),
                        InstanceMethod<&ContentObject::useJournal>("useJournal"),
                        InstanceMethod<&ContentObject::makeDurable>("makeDurable"),
                        InstanceMethod<&ContentObject::journaledBefore>("journaledBefore"),
                        InstanceMethod<&ContentObject::journalAgain>("journalAgain"),
                        InstanceMethod<&ContentObject::dirtyInodes>("dirtyInodes"),
                        InstanceMethod<&ContentObject::dirtyBytes>("dirtyBytes")});
  }

  /// Only createContentStore constructs: it passes an External that holds the store.
  explicit ContentObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ContentObject>(info) {
    if (!info[0].IsExternal()) {
      throwInvalid(info.Env(), "NativeContentStore", "is made by createContentStore");
      return;
    }
    store_ = *info[0].As<Napi::External<std::shared_ptr<ContentStore>>>().Data();
    info.This().As<Napi::Object>().TypeTag(&kContentTag);
  }

  [[nodiscard]] const std::shared_ptr<ContentStore>& store() const { return store_; }

 private:
  /// Reads (inode, size, extents) of open and replace; extents sorted, not overlapping, within 2^63 - 1.
  struct Whole {
    InodeNumber inode = 0;
    std::uint64_t size = 0;
    ExtentList extents{};
  };
  static Whole wholeContent(ArgumentReader& reader, const Napi::CallbackInfo& info) {
    Whole whole{reader.bigUint64(info[0], "inode"), reader.bigUint64(info[1], "size", INT64_MAX),
                reader.extents(info[2], "extents")};
    std::uint64_t end = 0;
    for (const Extent& extent : whole.extents) {
      if (extent.fileOffset < end || extent.fileOffset > INT64_MAX || extent.length > INT64_MAX - extent.fileOffset) {
        reader.fail("extents", "must be sorted and not overlap");
        break;
      }
      end = extent.fileOffset + extent.length;
    }
    return whole;
  }

  Napi::Value open(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "open");
    Whole whole = wholeContent(reader, info);
    if (!reader.failed()) store_->open(whole.inode, whole.size, std::move(whole.extents));
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "close");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (!reader.failed()) store_->close(inode);
    return info.Env().Undefined();
  }

  Napi::Value isOpen(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "isOpen");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), store_->isOpen(inode));
  }

  Napi::Value replace(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "replace");
    Whole whole = wholeContent(reader, info);
    if (!reader.failed()) store_->replace(whole.inode, whole.size, std::move(whole.extents));
    return info.Env().Undefined();
  }

  void resemble(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "resemble");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const ExtentList extents = reader.extents(info[1], "extents");
    if (!reader.failed()) store_->resemble(inode, extents);
  }

  Napi::Value grow(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "grow");
    Whole whole = wholeContent(reader, info);
    if (reader.failed()) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), store_->grow(whole.inode, whole.size, std::move(whole.extents)));
  }

  Napi::Value reveal(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "reveal");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), store_->reveal(inode));
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "read");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const std::uint64_t offset = reader.bigUint64(info[1], "offset", INT64_MAX);
    const std::uint64_t length = reader.integer(info[2], "length", 0, kReadBytesMax);
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<std::vector<std::uint8_t>>(
        info.Env(), "read", {},
        [store = store_, inode, offset, length]() -> Result<std::vector<std::uint8_t>> {
          std::vector<std::uint8_t> bytes(length);
          auto count = store->read(inode, offset, bytes.data(), length);
          if (!count.ok()) return count.status;
          bytes.resize(count.value);
          return bytes;
        },
        bytesToArray);
  }

  Napi::Value write(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "write");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const std::uint64_t offset = reader.bigUint64(info[1], "offset");
    const auto bytes = reader.pinnableBytes(info[2], "bytes");
    if (reader.failed()) return info.Env().Undefined();
    return runAsyncStatus(info.Env(), "write", {info[2]}, [store = store_, inode, offset, bytes] {
      return store->write(inode, offset, bytes.data(), bytes.size());
    });
  }

  Napi::Value truncate(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "truncate");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const std::uint64_t size = reader.bigUint64(info[1], "size");
    if (reader.failed()) return info.Env().Undefined();
    return runAsyncStatus(info.Env(), "truncate", {},
                          [store = store_, inode, size] { return store->truncate(inode, size); });
  }

  Napi::Value allocate(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "allocate");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const auto mode = static_cast<int>(reader.integer(info[1], "mode", 0, INT32_MAX));
    const std::uint64_t offset = reader.bigUint64(info[2], "offset");
    const std::uint64_t length = reader.bigUint64(info[3], "length");
    if (reader.failed()) return info.Env().Undefined();
    return runAsyncStatus(info.Env(), "allocate", {}, [store = store_, inode, mode, offset, length] {
      return store->allocate(inode, mode, offset, length);
    });
  }

  Napi::Value seek(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "seek");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    const std::uint64_t offset = reader.bigUint64(info[1], "offset");
    const std::string whence = reader.string(info[2], "whence");
    if (!reader.failed() && whence != "data" && whence != "hole") reader.fail("whence", "must be 'data' or 'hole'");
    if (reader.failed()) return info.Env().Undefined();
    auto found = store_->seek(inode, offset, whence == "data" ? SEEK_DATA : SEEK_HOLE);
    if (!found.ok()) return throwStatus(info.Env(), found.status, "seek");
    return Napi::BigInt::New(info.Env(), found.value);
  }

  Napi::Value copyRange(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "copyRange");
    const Napi::Object options = reader.object(info[0], "options");
    const InodeNumber from = reader.bigUint64(options.Get("from"), "from");
    const std::uint64_t fromOffset = reader.bigUint64(options.Get("fromOffset"), "fromOffset");
    const InodeNumber to = reader.bigUint64(options.Get("to"), "to");
    const std::uint64_t toOffset = reader.bigUint64(options.Get("toOffset"), "toOffset");
    const std::uint64_t length = reader.bigUint64(options.Get("length"), "length");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<std::uint64_t>(
        info.Env(), "copyRange", {},
        [store = store_, from, fromOffset, to, toOffset, length] {
          return store->copyRange(from, fromOffset, to, toOffset, length);
        },
        [](Napi::Env env, std::uint64_t&& copied) -> Napi::Value { return Napi::BigInt::New(env, copied); });
  }

  Napi::Value ingest(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "ingest");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return info.Env().Undefined();
    return runAsyncStatus(info.Env(), "ingest", {}, [store = store_, inode] { return store->ingest(inode); });
  }

  Napi::Value takePatch(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    ArgumentReader reader(env, "takePatch");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return env.Undefined();
    ContentPatch patch;
    const Result<bool> taken = store_->takePatch(inode, patch);
    if (!taken.ok()) return throwStatus(env, taken.status, "takePatch");
    if (!taken.value) return env.Undefined();
    auto replaced = Napi::TypedArrayOf<std::uint64_t>::New(env, patch.ranges.size() * 2, napi_biguint64_array);
    ExtentList extents;
    for (std::size_t i = 0; i < patch.ranges.size(); i++) {
      replaced[2 * i] = patch.ranges[i].offset;
      replaced[2 * i + 1] = patch.ranges[i].length;
      extents.insert(extents.end(), patch.ranges[i].extents.begin(), patch.ranges[i].extents.end());
    }
    auto object = Napi::Object::New(env);
    object.Set("size", Napi::BigInt::New(env, patch.size));
    object.Set("modified", modifiedOrUndefined(env, patch.modifiedNs));
    object.Set("overrides", Napi::Number::New(env, static_cast<double>(patch.overrides)));
    object.Set("replaced", replaced);
    object.Set("extents", extentsToArray(env, extents));
    return object;
  }

  Napi::Value state(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    ArgumentReader reader(env, "state");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return env.Undefined();
    auto state = store_->state(inode);
    if (!state.ok()) return throwStatus(env, state.status, "state");
    auto object = Napi::Object::New(env);
    object.Set("size", Napi::BigInt::New(env, state.value.size));
    object.Set("modified", modifiedOrUndefined(env, state.value.modifiedNs));
    object.Set("allocatedBytes", Napi::BigInt::New(env, state.value.allocatedBytes));
    object.Set("dirty", Napi::Boolean::New(env, state.value.dirty));
    return object;
  }

  Napi::Value forgetModified(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "forgetModified");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (!reader.failed()) store_->forgetModified(inode);
    return info.Env().Undefined();
  }

  Napi::Value useJournal(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "useJournal");
    auto journal = journalOf(info[0]);
    if (!journal) reader.fail("journal", "must be made by createJournal");
    const std::uint64_t bytesMax = reader.integer(info[1], "bytesMax", 0, (1ULL << 53) - 1);
    if (!reader.failed()) store_->useJournal(std::move(journal), bytesMax);
    return info.Env().Undefined();
  }

  Napi::Value makeDurable(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "makeDurable");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<bool>(
        info.Env(), "makeDurable", {},
        [store = store_, inode]() -> Result<bool> {
          std::promise<bool> outcome;
          store->makeDurable(inode, [&outcome](bool isDurable) { outcome.set_value(isDurable); });
          return outcome.get_future().get();
        },
        [](Napi::Env env, bool&& isDurable) -> Napi::Value { return Napi::Boolean::New(env, isDurable); });
  }

  Napi::Value journaledBefore(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "journaledBefore");
    const std::uint64_t commit = reader.bigUint64(info[0], "commit");
    if (reader.failed()) return info.Env().Undefined();
    return copyToArray<std::uint64_t>(info.Env(), store_->journaledBefore(commit));
  }

  Napi::Value journalAgain(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "journalAgain");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return info.Env().Undefined();
    return runAsyncStatus(info.Env(), "journalAgain", {},
                          [store = store_, inode] { return store->journalAgain(inode); });
  }

  /// The one field of `state` that every close asks for, without an object around it.
  Napi::Value isDirty(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    ArgumentReader reader(env, "isDirty");
    const InodeNumber inode = reader.bigUint64(info[0], "inode");
    if (reader.failed()) return env.Undefined();
    const auto state = store_->state(inode);
    if (!state.ok()) return throwStatus(env, state.status, "isDirty");
    return Napi::Boolean::New(env, state.value.dirty);
  }

  Napi::Value dirtyInodes(const Napi::CallbackInfo& info) {
    return copyToArray<std::uint64_t>(info.Env(), store_->dirtyInodes());
  }

  Napi::Value dirtyBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(store_->dirtyBytes()));
  }

  std::shared_ptr<ContentStore> store_{};
};

}  // namespace

std::shared_ptr<ContentStore> contentStoreOf(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kContentTag)) return nullptr;
  return ContentObject::Unwrap(value.As<Napi::Object>())->store();
}

void registerContent(Napi::Env env, Napi::Object exports) {
  auto constructor = std::make_shared<Napi::FunctionReference>(Napi::Persistent(ContentObject::define(env)));
  exports.Set("createContentStore",
              Napi::Function::New(env, [constructor](const Napi::CallbackInfo& info) -> Napi::Value {
                ArgumentReader reader(info.Env(), "createContentStore");
                auto blob = blobOf(info[0]);
                if (!blob) reader.fail("blob", "must be made by openBlob");
                const std::uint64_t dirtyBytesMax = reader.integer(info[1], "dirtyBytesMax", 1, (1ULL << 53) - 1);
                if (reader.failed()) return info.Env().Undefined();
                auto store = ContentStore::create(std::move(blob), dirtyBytesMax);
                return constructor->New({Napi::External<std::shared_ptr<ContentStore>>::New(info.Env(), &store)});
              }));
}

}  // namespace packetfs
