// NativeBlob of src/addon/native.ts over core/blob: argument checks and promises, nothing else.
#include "blob.h"

#include <chrono>

#include "arguments.h"
#include "blob_arguments.h"
#include "blob_values.h"
#include "rooms.h"

namespace packetfs {
namespace {

constexpr napi_type_tag kBlobTag = {0x5046535f424c4f42, 0x6e61746976650001};
constexpr std::uint64_t kReadBytesMax = 1ULL << 30;

class BlobObject final : public Napi::ObjectWrap<BlobObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeBlob",
                       {InstanceMethod<&BlobObject::openLog>("openLog"),
                        InstanceMethod<&BlobObject::setAppendLog>("setAppendLog"),
                        InstanceMethod<&BlobObject::ingest>("ingest"),
                        InstanceMethod<&BlobObject::totals>("totals"),
                        InstanceMethod<&BlobObject::readExtents>("readExtents"),
                        InstanceMethod<&BlobObject::chunkAt>("chunkAt"),
                        InstanceMethod<&BlobObject::heldRanges>("heldRanges"),
                        InstanceMethod<&BlobObject::holds>("holds"),
                        InstanceMethod<&BlobObject::sync>("sync"),
                        InstanceMethod<&BlobObject::isSynced>("isSynced"),
                        InstanceMethod<&BlobObject::packLiteral>("packLiteral"),
                        InstanceMethod<&BlobObject::replacedBy>("replacedBy"),
                        InstanceMethod<&BlobObject::noteReplaced>("noteReplaced"),
                        InstanceMethod<&BlobObject::storeLiteral>("storeLiteral"),
                        InstanceMethod<&BlobObject::packRecipe>("packRecipe"),
                        InstanceMethod<&BlobObject::storeRecipe>("storeRecipe"),
                        InstanceMethod<&BlobObject::addSeeds>("addSeeds"),
                        InstanceMethod<&BlobObject::clearSeeds>("clearSeeds"),
                        InstanceMethod<&BlobObject::seeds>("seeds"),
                        InstanceMethod<&BlobObject::appendedBytes>("appendedBytes"),
                        InstanceMethod<&BlobObject::checkOfRuns>("checkOfRuns"),
                        InstanceMethod<&BlobObject::segmentsOf>("segmentsOf"),
                        InstanceMethod<&BlobObject::scrubSegment>("scrubSegment"),
                        InstanceMethod<&BlobObject::checkIndex>("checkIndex"),
                        InstanceMethod<&BlobObject::index>("index"),
                        InstanceMethod<&BlobObject::close>("close")});
  }

  /// Only openBlob constructs: it passes an External that holds the blob.
  explicit BlobObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BlobObject>(info) {
    if (!info[0].IsExternal()) {
      throwInvalid(info.Env(), "NativeBlob", "is made by openBlob");
      return;
    }
    blob_ = *info[0].As<Napi::External<std::shared_ptr<Blob>>>().Data();
    info.This().As<Napi::Object>().TypeTag(&kBlobTag);
  }

  [[nodiscard]] const std::shared_ptr<Blob>& blob() const { return blob_; }

 private:
  Napi::Value openLog(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "openLog");
    const LogNumber log = logArgument(reader, info[0]);
    std::string name = reader.string(info[1], "name");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<std::vector<SegmentState>>(
        info.Env(), "openLog", {}, [blob = blob_, log, name = std::move(name)] { return blob->openLog(log, name); },
        segmentStates);
  }

  Napi::Value setAppendLog(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "setAppendLog");
    const LogNumber log = logArgument(reader, info[0]);
    if (reader.failed()) return info.Env().Undefined();
    const Status status = blob_->setAppendLog(log);
    return status.ok() ? info.Env().Undefined() : throwStatus(info.Env(), status, "setAppendLog");
  }

  Napi::Value ingest(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "ingest");
    const std::uint64_t fileOffset = reader.bigUint64(info[0], "fileOffset", INT64_MAX);
    const auto bytes = reader.pinnableBytes(info[1], "bytes");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<ExtentList>(
        info.Env(), "ingest", {info[1]},
        [blob = blob_, fileOffset, bytes] { return blob->ingest(fileOffset, bytes.data(), bytes.size()); },
        [](Napi::Env env, ExtentList&& extents) { return extentsToArray(env, extents); });
  }

  Napi::Value totals(const Napi::CallbackInfo& info) {
    const IngestTotals totals = blob_->totals();
    auto object = Napi::Object::New(info.Env());
    object.Set("bytes", number(info.Env(), totals.bytes));
    object.Set("matchedBytes", number(info.Env(), totals.matchedBytes));
    object.Set("appendedBytes", number(info.Env(), totals.appendedBytes));
    object.Set("zeroBytes", number(info.Env(), totals.zeroBytes));
    return object;
  }

  Napi::Value readExtents(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "readExtents");
    ExtentList extents = reader.extents(info[0], "extents");
    const std::uint64_t fileOffset = reader.bigUint64(info[1], "fileOffset", INT64_MAX);
    const std::uint64_t length = reader.integer(info[2], "length", 0, kReadBytesMax);
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<std::vector<std::uint8_t>>(
        info.Env(), "readExtents", {},
        [blob = blob_, extents = std::move(extents), fileOffset, length]() -> Result<std::vector<std::uint8_t>> {
          std::vector<std::uint8_t> bytes(length);
          Status status = blob->readExtents(extents.data(), extents.size(), fileOffset, bytes.data(), length);
          if (!status.ok()) return status;
          return bytes;
        },
        bytesToArray);
  }

  Napi::Value chunkAt(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "chunkAt");
    const BlobAddress address = reader.bigUint64(info[0], "address");
    if (reader.failed()) return info.Env().Undefined();
    auto chunk = blob_->chunkAt(address);
    if (!chunk.ok()) return info.Env().Undefined();
    auto object = Napi::Object::New(info.Env());
    object.Set("address", Napi::BigInt::New(info.Env(), chunk.value.address));
    object.Set("length", number(info.Env(), chunk.value.length));
    object.Set("hash", bytesToArray(info.Env(), {chunk.value.hash.begin(), chunk.value.hash.end()}));
    return object;
  }

  Napi::Value heldRanges(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "heldRanges");
    const LogNumber log = logArgument(reader, info[0]);
    if (reader.failed()) return info.Env().Undefined();
    auto ranges = blob_->heldRanges(log);
    if (!ranges.ok()) return throwStatus(info.Env(), ranges.status, "heldRanges");
    auto flat = Napi::Float64Array::New(info.Env(), ranges.value.size() * 2);
    for (std::size_t i = 0; i < ranges.value.size(); i++) {
      flat[2 * i] = static_cast<double>(ranges.value[i].start);
      flat[2 * i + 1] = static_cast<double>(ranges.value[i].end);
    }
    return flat;
  }

  Napi::Value holds(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "holds");
    const BlobAddress address = reader.bigUint64(info[0], "address");
    const std::uint64_t length = reader.bigUint64(info[1], "length", INT64_MAX);
    if (reader.failed()) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), blob_->holds(address, length));
  }

  Napi::Value isSynced(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), blob_->isSynced()); }

  Napi::Value sync(const Napi::CallbackInfo& info) {
    return runAsync<std::vector<HighWaterMark>>(
        info.Env(), "sync", {}, [blob = blob_] { return blob->sync(); }, marksToArray);
  }

  Napi::Value packLiteral(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "packLiteral");
    const Napi::Object options = reader.object(info[0], "options");
    const Stretch stretch = stretchArgument(reader, options);
    const auto level = static_cast<int>(reader.integer(options.Get("level"), "level", 1, 19));
    const auto bases = addressRanges(reader, options.Get("bases"), "bases");
    if (reader.failed()) return info.Env().Undefined();
    struct Packed {
      bool held = false;
      Blob::Literal literal{};
    };
    return runAsync<Packed>(
        info.Env(), "packLiteral", {},
        [blob = blob_, stretch, level, bases]() -> Result<Packed> {
          const auto begun = std::chrono::steady_clock::now();
          const auto& [log, start, end, rawBytesMax] = stretch;
          auto literal = blob->packLiteral(log, start, end, rawBytesMax, level, bases);
          literal.value.packMs =
              std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
          if (literal.ok()) return Packed{true, std::move(literal.value)};
          if (literal.status.error == ENOENT) return Packed{};
          return literal.status;
        },
        [](Napi::Env env, Packed&& packed) {
          return packed.held ? literalToObject(env, std::move(packed.literal)) : env.Undefined();
        });
  }

  Napi::Value replacedBy(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "replacedBy");
    const LogNumber log = logArgument(reader, info[0]);
    const LogPosition start = reader.integer(info[1], "start", 0, kPositionMax);
    const LogPosition end = reader.integer(info[2], "end", 0, kPositionMax + 1);
    if (!reader.failed() && end <= start) reader.fail("end", "must lie behind start");
    if (reader.failed()) return info.Env().Undefined();
    const Blob::ReplacedStretch stretch = blob_->replacedBy(log, start, end);
    std::vector<std::uint64_t> old;
    for (const AddressRange& range : stretch.old) old.insert(old.end(), {range.start, range.length});
    auto object = Napi::Object::New(info.Env());
    object.Set("end", number(info.Env(), stretch.end));
    object.Set("old", addressesToArray(info.Env(), old));
    return object;
  }

  void noteReplaced(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "noteReplaced");
    const ExtentList fresh = reader.extents(info[0], "fresh");
    const ExtentList old = reader.extents(info[1], "old");
    if (!reader.failed()) blob_->noteReplaced(fresh, old);
  }

  Napi::Value storeLiteral(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "storeLiteral");
    const Napi::Object options = reader.object(info[0], "options");
    const LogNumber log = logArgument(reader, options.Get("log"));
    const Napi::Value frameValue = options.Get("frame");
    const auto frame = reader.pinnableBytes(frameValue, "frame");
    const bool repair = reader.boolean(options.Get("repair"), "repair");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<Blob::Literal>(
        info.Env(), "storeLiteral", {frameValue},
        [blob = blob_, log, frame, repair] { return blob->storeLiteral(log, frame.data(), frame.size(), repair); },
        literalToObject);
  }

  Napi::Value packRecipe(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "packRecipe");
    const Napi::Object options = reader.object(info[0], "options");
    const auto [log, start, end, rawBytesMax] = stretchArgument(reader, options);
    if (reader.failed()) return info.Env().Undefined();
    auto recipe = blob_->packRecipe(log, start, end, rawBytesMax);
    if (recipe.status.error == ENOENT) return info.Env().Undefined();
    if (!recipe.ok()) return throwStatus(info.Env(), recipe.status, "packRecipe");
    return literalToObject(info.Env(), std::move(recipe.value));
  }

  Napi::Value storeRecipe(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "storeRecipe");
    const LogNumber log = logArgument(reader, info[0]);
    const auto frame = reader.pinnableBytes(info[1], "frame");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<Blob::FilledRecipe>(
        info.Env(), "storeRecipe", {info[1]},
        [blob = blob_, log, frame] { return blob->storeRecipe(log, frame.data(), frame.size()); },
        filledRecipeToObject);
  }

  Napi::Value addSeeds(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "addSeeds");
    auto paths = reader.byteStrings(info[0], "paths");
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<SeedsAdded>(
        info.Env(), "addSeeds", {},
        [blob = blob_, paths = std::move(paths), generation = blob_->seeds().generation()]() -> Result<SeedsAdded> {
          SeedsAdded added;
          for (const std::string& path : paths) {
            const auto file = blob->seeds().add(path, generation);
            if (file.status.error == ECANCELED) return file.status;
            added.isFull = file.status.error == E2BIG;
            if (added.isFull) break;
            if (!file.ok()) {
              added.failures.push_back(file.status.what);
              continue;
            }
            added.files++;
            added.bytes += file.value.bytes;
          }
          return added;
        },
        seedsAddedToObject);
  }

  void clearSeeds(const Napi::CallbackInfo&) { blob_->seeds().clear(); }

  Napi::Value seeds(const Napi::CallbackInfo& info) {
    const SeedUsage usage = blob_->seeds().usage();
    auto object = Napi::Object::New(info.Env());
    object.Set("files", number(info.Env(), usage.files));
    object.Set("bytes", number(info.Env(), usage.bytes));
    object.Set("chunks", number(info.Env(), usage.chunks));
    object.Set("memoryBytes", number(info.Env(), usage.memoryBytes));
    object.Set("bytesRead", number(info.Env(), usage.bytesRead));
    return object;
  }

  Napi::Value appendedBytes(const Napi::CallbackInfo& info) {
    return number(info.Env(), blob_->totals().appendedBytes);
  }

  Napi::Value checkOfRuns(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "checkOfRuns");
    const auto flat = reader.bigUint64Array(info[0], "runs");
    if (!reader.failed() && flat.size() % 2 != 0) reader.fail("runs", "must hold [address, length] pairs");
    if (reader.failed()) return info.Env().Undefined();
    ExtentList runs;
    runs.reserve(flat.size() / 2);
    for (std::size_t i = 0; i < flat.size(); i += 2) runs.push_back({0, flat[i + 1], flat[i]});
    auto check = blob_->checkOfRuns(runs.data(), runs.size());
    if (!check.ok()) return info.Env().Undefined();
    return Napi::BigInt::New(info.Env(), check.value);
  }

  Napi::Value segmentsOf(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "segmentsOf");
    const LogNumber log = logArgument(reader, info[0]);
    if (reader.failed()) return info.Env().Undefined();
    const std::vector<std::uint32_t> segments = blob_->segmentsOf(log);
    auto list = Napi::Array::New(info.Env(), segments.size());
    for (std::uint32_t i = 0; i < segments.size(); i++) list.Set(i, number(info.Env(), segments[i]));
    return list;
  }

  Napi::Value scrubSegment(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "scrubSegment");
    const LogNumber log = logArgument(reader, info[0]);
    const std::uint32_t segment = reader.uint32(info[1], "segment", 0, (1U << 20) - 1);
    if (reader.failed()) return info.Env().Undefined();
    return runAsync<Blob::ScrubOutcome>(
        info.Env(), "scrubSegment", {}, [blob = blob_, log, segment] { return blob->scrubSegment(log, segment); },
        outcomeToObject);
  }

  Napi::Value checkIndex(const Napi::CallbackInfo& info) {
    return runAsync<Blob::IndexCheck>(
        info.Env(), "checkIndex", {}, [blob = blob_] { return blob->checkIndex(); }, indexCheckToObject);
  }

  Napi::Value index(const Napi::CallbackInfo& info) {
    const IndexUsage usage = blob_->index();
    auto object = Napi::Object::New(info.Env());
    object.Set("chunks", number(info.Env(), usage.chunks));
    object.Set("memoryBytes", number(info.Env(), usage.memoryBytes));
    object.Set("oneIn", number(info.Env(), usage.oneIn));
    return object;
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    blob_->close();
    return info.Env().Undefined();
  }

  std::shared_ptr<Blob> blob_{};
};

}  // namespace

std::shared_ptr<Blob> blobOf(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kBlobTag)) return nullptr;
  return BlobObject::Unwrap(value.As<Napi::Object>())->blob();
}

void registerBlob(Napi::Env env, Napi::Object exports) {
  auto constructor = std::make_shared<Napi::FunctionReference>(Napi::Persistent(BlobObject::define(env)));
  exports.Set("openBlob", Napi::Function::New(env, [constructor](const Napi::CallbackInfo& info) -> Napi::Value {
                ArgumentReader reader(info.Env(), "openBlob");
                const Napi::Object value = reader.object(info[0], "options");
                BlobOptions options;
                options.directory = reader.string(value.Get("directory"), "directory");
                readIdentity(reader, value, options);
                const Napi::Value reserve = value.Get("reserveBytes");
                if (!reserve.IsUndefined()) options.reserveBytes = reader.uint32(reserve, "reserveBytes");
                const Napi::Value indexMost = value.Get("indexBytesMax");
                if (!indexMost.IsUndefined()) {
                  options.indexBytesMax = reader.integer(indexMost, "indexBytesMax", 1, 1ULL << 53);
                }
                if (reader.failed()) return info.Env().Undefined();
                auto blob = Blob::open(std::move(options));
                if (!blob.ok()) return throwStatus(info.Env(), blob.status, "openBlob");
                return constructor->New({Napi::External<std::shared_ptr<Blob>>::New(info.Env(), &blob.value)});
              }));
}

}  // namespace packetfs
