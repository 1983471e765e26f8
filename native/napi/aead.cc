// NativeAead: batches of packets sealed or opened in place, one key for one direction (native/core/codec/aead.h).
#include "../core/codec/aead.h"

#include "arguments.h"
#include "rooms.h"

namespace packetfs {

namespace {

struct PacketBatch {
  std::vector<PacketPlace> places{};
  std::span<std::uint64_t> numbers{};
};

class AeadWrap : public Napi::ObjectWrap<AeadWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeAead",
                       {InstanceMethod<&AeadWrap::seal>("seal"), InstanceMethod<&AeadWrap::open>("open"),
                        InstanceMethod<&AeadWrap::destroy>("destroy")});
  }

  explicit AeadWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AeadWrap>(info) {
    ArgumentReader reader(info.Env(), "createAead");
    const std::string name = reader.string(info[0], "suite");
    const auto key = reader.bytesOfLength(info[1], "key", kAeadKeyBytes);
    if (!reader.failed() && name != "aes-256-gcm" && name != "chacha20-poly1305") reader.fail("suite", "is unknown");
    if (reader.failed()) return;
    const AeadSuite suite = name == "aes-256-gcm" ? AeadSuite::kAes256Gcm : AeadSuite::kChaCha20Poly1305;
    auto created = AeadKey::create(suite, key.first<kAeadKeyBytes>());
    if (!created.ok()) {
      throwStatus(info.Env(), created.status, "createAead");
      return;
    }
    key_ = std::move(created.value);
  }

 private:
  Napi::Value seal(const Napi::CallbackInfo& info) {
    PacketBatch batch;
    if (!read(info, "seal", batch)) return info.Env().Undefined();
    for (std::size_t i = 0; i < batch.places.size(); i++) key_->seal(batch.places[i], batch.numbers[i]);
    return info.Env().Undefined();
  }

  Napi::Value open(const Napi::CallbackInfo& info) {
    PacketBatch batch;
    if (!read(info, "open", batch)) return info.Env().Undefined();
    std::vector<std::uint8_t> authentic(batch.places.size());
    for (std::size_t i = 0; i < batch.places.size(); i++) {
      authentic[i] = key_->open(batch.places[i], batch.numbers[i]) ? 1 : 0;
    }
    return copyToArray<std::uint8_t>(info.Env(), authentic);
  }

  Napi::Value destroy(const Napi::CallbackInfo& info) {
    key_.reset();
    return info.Env().Undefined();
  }

  /// Checks the whole batch before a byte of it changes.
  bool read(const Napi::CallbackInfo& info, const char* method, PacketBatch& batch) {
    ArgumentReader reader(info.Env(), method);
    const auto bytes = reader.bytes(info[0], "bytes");
    const auto packets = reader.uint32Array(info[1], "packets");
    batch.numbers = reader.bigUint64Array(info[2], "numbers");
    if (!reader.failed() && key_ == nullptr) reader.fail("the key", "has been destroyed");
    if (!reader.failed() && packets.size() != batch.numbers.size() * 3) {
      reader.fail("packets", "must hold three numbers for each packet number");
    }
    if (reader.failed()) return false;
    batch.places.reserve(batch.numbers.size());
    for (std::size_t i = 0; i < packets.size(); i += 3) {
      const std::uint64_t offset = packets[i];
      const std::uint64_t end = offset + packets[i + 1] + packets[i + 2] + kAeadTagBytes;
      if (end > bytes.size()) {
        reader.fail("packets", "must lie within bytes, with 16 bytes for the tag");
        return false;
      }
      batch.places.push_back({bytes.data() + offset, packets[i + 1], packets[i + 2]});
    }
    return true;
  }

  std::unique_ptr<AeadKey> key_;
};

}  // namespace

void registerAead(Napi::Env env, Napi::Object exports) {
  auto constructor = std::make_shared<Napi::FunctionReference>(Napi::Persistent(AeadWrap::define(env)));
  auto create = [constructor](const Napi::CallbackInfo& info) -> Napi::Value {
    return constructor->New({info[0], info[1]});
  };
  exports.Set("createAead", Napi::Function::New(env, create, "createAead"));
}

}  // namespace packetfs
