// NativeJournal of src/addon/native.ts over core/journal: argument checks and promises, nothing else.
#include "journal.h"

#include <future>

#include "arguments.h"
#include "rooms.h"

namespace packetfs {
namespace {

constexpr napi_type_tag kJournalTag = {0x5046535f4a4f5552, 0x6e61746976650001};

class JournalObject final : public Napi::ObjectWrap<JournalObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeJournal",
        {InstanceMethod<&JournalObject::append>("append"), InstanceMethod<&JournalObject::sync>("sync"),
         InstanceMethod<&JournalObject::rotate>("rotate"), InstanceMethod<&JournalObject::retire>("retire"),
         InstanceMethod<&JournalObject::refuse>("refuse"), InstanceMethod<&JournalObject::close>("close")});
  }

  /// Only createJournal constructs: it passes an External that holds the journal.
  explicit JournalObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JournalObject>(info) {
    if (!info[0].IsExternal()) {
      throwInvalid(info.Env(), "NativeJournal", "is made by createJournal");
      return;
    }
    journal_ = *info[0].As<Napi::External<std::shared_ptr<Journal>>>().Data();
    info.This().As<Napi::Object>().TypeTag(&kJournalTag);
  }

  [[nodiscard]] const std::shared_ptr<Journal>& journal() const { return journal_; }

 private:
  Napi::Value append(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    ArgumentReader reader(env, "append");
    if (!info[0].IsArray()) return throwInvalid(env, "append", "records must be an array");
    const auto list = info[0].As<Napi::Array>();
    records_.clear();
    for (std::uint32_t i = 0; i < list.Length(); i++) {
      const auto bytes = reader.bytes(list.Get(i), "record");
      if (!reader.failed() && (bytes.empty() || bytes.size() > Journal::kRecordBytesMax)) {
        reader.fail("record", "must have 1 byte to 64 MiB");
      }
      if (reader.failed()) return env.Undefined();
      records_.push_back({Journal::Kind::mutation, bytes});
    }
    const Result<std::uint64_t> appended = journal_->append(records_, true);
    return appended.ok() ? env.Undefined() : throwStatus(env, appended.status, "append");
  }

  Napi::Value sync(const Napi::CallbackInfo& info) {
    return runAsyncStatus(info.Env(), "sync", {}, [journal = journal_] {
      std::promise<Status> outcome;
      journal->sync([&outcome](const Status& status) { outcome.set_value(status); });
      return outcome.get_future().get();
    });
  }

  Napi::Value rotate(const Napi::CallbackInfo& info) {
    ArgumentReader reader(info.Env(), "rotate");
    const std::uint64_t follows = reader.bigUint64(info[0], "follows");
    if (reader.failed()) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), journal_->rotate(follows));
  }

  Napi::Value retire(const Napi::CallbackInfo& info) {
    journal_->retire();
    return info.Env().Undefined();
  }

  Napi::Value refuse(const Napi::CallbackInfo& info) {
    journal_->refuse();
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    journal_->close();
    return info.Env().Undefined();
  }

  std::shared_ptr<Journal> journal_{};
  std::vector<Journal::Record> records_{};
};

}  // namespace

std::shared_ptr<Journal> journalOf(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kJournalTag)) return nullptr;
  return JournalObject::Unwrap(value.As<Napi::Object>())->journal();
}

void registerJournal(Napi::Env env, Napi::Object exports) {
  auto constructor = std::make_shared<Napi::FunctionReference>(Napi::Persistent(JournalObject::define(env)));
  exports.Set("createJournal", Napi::Function::New(env, [constructor](const Napi::CallbackInfo& info) -> Napi::Value {
                ArgumentReader reader(info.Env(), "createJournal");
                std::string directory = reader.string(info[0], "directory");
                const std::uint64_t follows = reader.bigUint64(info[1], "follows");
                if (reader.failed()) return info.Env().Undefined();
                auto journal = std::make_shared<Journal>(std::move(directory), follows);
                return constructor->New({Napi::External<std::shared_ptr<Journal>>::New(info.Env(), &journal)});
              }));
}

}  // namespace packetfs
