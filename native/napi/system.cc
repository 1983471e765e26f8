// What the addon can do here, its memory, the service manager, and file locks.
#include <fuse_lowlevel.h>
#include <malloc.h>
#include <sodium.h>
#include <zstd.h>

#include <cstdlib>
#include <memory>

#include "../core/base/file_lock.h"
#include "../core/base/service_manager.h"
#include "../core/codec/aead.h"
#include "../core/simd/simd.h"
#include "arguments.h"
#include "rooms.h"

namespace packetfs {

namespace {

/// Heaps of malloc(3): threads that are made from now on share those that there are, of Node's threads as a rule. What
/// each keeps of what was freed adds up (docs/design/0057), and threads have caches of their own in front of them.
void limitMallocArenas() {
  constexpr int kArenasMax = 2;
  if (std::getenv("MALLOC_ARENA_MAX") == nullptr) mallopt(M_ARENA_MAX, kArenasMax);
}

Napi::Value capabilitiesCall(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto capabilities = Napi::Object::New(env);
  capabilities.Set("simd", Napi::String::New(env, nameOf(activeSimd())));
  capabilities.Set("aesGcm", Napi::Boolean::New(env, AeadKey::isAvailable(AeadSuite::kAes256Gcm)));
  capabilities.Set("zstdVersion", Napi::String::New(env, ZSTD_versionString()));
  capabilities.Set("sodiumVersion", Napi::String::New(env, sodium_version_string()));
  capabilities.Set("fuseVersion", Napi::String::New(env, fuse_pkgversion()));
  return capabilities;
}

Napi::Value notifyServiceManagerCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "notifyServiceManager");
  const std::string state = reader.string(info[0], "state");
  if (reader.failed()) return info.Env().Undefined();
  const auto notified = notifyServiceManager(state);
  if (!notified.ok()) return throwStatus(info.Env(), notified.status, "notifyServiceManager");
  return Napi::Boolean::New(info.Env(), notified.value);
}

/// Held until release() or the end of the environment, not until the garbage collector finds the object.
class HeldLock {
 public:
  HeldLock(napi_env env, FileLock lock) : env_(env), lock_(std::move(lock)) {
    napi_add_env_cleanup_hook(env_, dropAtExit, this);
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  void release() {
    napi_remove_env_cleanup_hook(env_, dropAtExit, this);
    delete this;
  }

 private:
  ~HeldLock() = default;
  static void dropAtExit(void* held) { delete static_cast<HeldLock*>(held); }

  napi_env env_;
  FileLock lock_;
};

Napi::Value acquireLockCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "acquireLock");
  const std::string path = reader.string(info[0], "path");
  if (reader.failed()) return info.Env().Undefined();
  auto acquired = FileLock::acquire(path);
  if (!acquired.ok()) return throwStatus(info.Env(), acquired.status, "acquireLock");
  if (!acquired.value.has_value()) return info.Env().Undefined();
  auto held = std::make_shared<HeldLock*>(new HeldLock(info.Env(), std::move(*acquired.value)));
  auto release = [held](const Napi::CallbackInfo&) {
    if (HeldLock* lock = std::exchange(*held, nullptr); lock != nullptr) lock->release();
  };
  auto lock = Napi::Object::New(info.Env());
  lock.Set("release", Napi::Function::New(info.Env(), release, "release"));
  return lock;
}

/// Off the JavaScript thread, because it looks at every heap.
Napi::Value trimMemoryCall(const Napi::CallbackInfo& info) {
  return runAsync<bool>(
      info.Env(), "malloc_trim", {}, []() -> Result<bool> { return malloc_trim(0) == 1; },
      [](Napi::Env env, bool&&) { return env.Undefined(); });
}

}  // namespace

void registerSystem(Napi::Env env, Napi::Object exports) {
  const Result<Simd>& simd = simdChoice();
  if (!simd.ok()) {
    throwStatus(env, simd.status, "PFS_SIMD");
    return;
  }
  limitMallocArenas();
  exports.Set("capabilities", Napi::Function::New(env, capabilitiesCall, "capabilities"));
  exports.Set("notifyServiceManager", Napi::Function::New(env, notifyServiceManagerCall, "notifyServiceManager"));
  exports.Set("trimMemory", Napi::Function::New(env, trimMemoryCall, "trimMemory"));
  exports.Set("acquireLock", Napi::Function::New(env, acquireLockCall, "acquireLock"));
}

}  // namespace packetfs
