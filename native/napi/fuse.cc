// createFuseSession: argument checks, and the bridge from the session's threads to JavaScript. One thread-safe function
// carries both the wakes (one per batch) and the end. When JavaScript goes with the session still mounted, the session
// is unmounted lazily and its threads are joined: by a cleanup hook when an environment ends (it was added after the
// thread-safe function, so it runs while that one can still be called), by atexit(3) after process.exit, which runs no
// cleanup hooks.
#include <napi.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "../core/fuse/session.h"
#include "arguments.h"
#include "content.h"
#include "rooms.h"

namespace packetfs {

namespace {

constexpr unsigned kThreadsMax = 64;
constexpr double kMillisecondsPerSecond = 1000.0;
constexpr std::uint64_t kTimeoutMsMax = 1ULL << 40;  // some decades

struct Bridge {
  std::unique_ptr<fuse::Session> session{};
  std::atomic<bool> abandoned{false};  // nobody is left to be called
  Napi::ThreadSafeFunction toJavaScript{};
  Napi::FunctionReference onEnd{};
};

using SharedBridge = std::shared_ptr<Bridge>;

/// Sessions that were started in this process, for its exit.
class StartedSessions {
 public:
  static StartedSessions& instance() {
    static StartedSessions all;
    return all;
  }

  void add(const SharedBridge& bridge) {
    std::lock_guard guard(mutex_);
    std::erase_if(bridges_, [](const std::weak_ptr<Bridge>& known) { return known.expired(); });
    bridges_.push_back(bridge);
    static const bool isRegistered = std::atexit([] { instance().abandonAll(); }) == 0;
    static_cast<void>(isRegistered);
  }

  static void abandon(Bridge& bridge) {
    bridge.abandoned.store(true);
    bridge.session->stop(true);
    bridge.session->join();
  }

 private:
  void abandonAll() {
    std::lock_guard guard(mutex_);
    for (const std::weak_ptr<Bridge>& known : bridges_) {
      if (const SharedBridge bridge = known.lock(); bridge != nullptr) abandon(*bridge);
    }
  }

  std::mutex mutex_{};
  std::vector<std::weak_ptr<Bridge>> bridges_{};
};

/// Wakes JavaScript to take batches until it gets none; false when it is gone.
bool wake(const SharedBridge& bridge) {
  if (bridge->abandoned.load()) return false;
  const auto deliver = [](Napi::Env env, Napi::Function onRequests) {
    onRequests.Call({});
    raiseUncaught(env);  // nobody would answer what was taken: the process ends, which unmounts
  };
  return bridge->toJavaScript.NonBlockingCall(deliver) == napi_ok;
}

void reportEnd(const SharedBridge& bridge, int failure) {
  if (bridge->abandoned.load()) return;
  bridge->toJavaScript.NonBlockingCall([bridge, failure](Napi::Env env, Napi::Function) {
    bridge->session->join();
    Napi::FunctionReference onEnd = std::move(bridge->onEnd);
    if (!onEnd.IsEmpty()) onEnd.Call({Napi::Number::New(env, failure)});
    raiseUncaught(env);
  });
  bridge->toJavaScript.Release();
}

Napi::Value start(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ArgumentReader reader(env, "fuse.start");
  const Napi::Function onRequests = reader.function(info[0], "onRequests");
  const Napi::Function onEnd = reader.function(info[1], "onEnd");
  if (reader.failed()) return env.Undefined();
  if (!bridge->onEnd.IsEmpty()) return throwInvalid(env, "fuse.start", "the session was started before");

  bridge->toJavaScript = Napi::ThreadSafeFunction::New(env, onRequests, "packetfs-fuse", 0, 1);
  bridge->onEnd = Napi::Persistent(onEnd);
  const Status status =
      bridge->session->start([bridge] { return wake(bridge); }, [bridge](int failure) { reportEnd(bridge, failure); });
  if (!status.ok()) {
    bridge->toJavaScript.Release();
    bridge->onEnd.Reset();
    return throwStatus(env, status, "mount");
  }
  env.AddCleanupHook([weak = std::weak_ptr<Bridge>(bridge)] {
    const SharedBridge alive = weak.lock();
    if (alive == nullptr) return;
    StartedSessions::abandon(*alive);
    alive->onEnd.Reset();
  });
  StartedSessions::instance().add(bridge);
  return env.Undefined();
}

Napi::Value take(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.take");
  const auto target = reader.bytes(info[0], "target");
  const bool looksAgain = reader.boolean(info[1], "looksAgain");
  if (target.size() < fuse::kRecordBytesMax) reader.fail("target", "must have room for the longest record");
  if (reader.failed()) return info.Env().Undefined();
  const std::size_t length = bridge->session->takeRequests(target, looksAgain, promiseWorks() > 0);
  return Napi::Number::New(info.Env(), static_cast<double>(length));
}

Napi::Value reply(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.reply");
  const auto batch = reader.bytes(info[0], "batch");
  if (reader.failed()) return info.Env().Undefined();
  const Status status = bridge->session->reply(batch);
  return status.ok() ? info.Env().Undefined() : throwStatus(info.Env(), status, "fuse.reply");
}

Napi::Value invalidateInode(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.invalidateInode");
  const std::uint64_t inode = reader.bigUint64(info[0], "inode");
  bool lossless = false;
  const std::int64_t offset = info[1].IsBigInt() ? info[1].As<Napi::BigInt>().Int64Value(&lossless) : 0;
  if (!lossless) reader.fail("offset", "must be a bigint of 64 bits");
  const std::uint64_t length = reader.bigUint64(info[2], "length", INT64_MAX);
  if (reader.failed()) return info.Env().Undefined();
  bridge->session->invalidateInode(inode, offset, static_cast<std::int64_t>(length));
  return info.Env().Undefined();
}

Napi::Value invalidateEntry(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.invalidateEntry");
  const std::uint64_t parent = reader.bigUint64(info[0], "parent");
  const auto name = reader.bytes(info[1], "name");
  if (reader.failed()) return info.Env().Undefined();
  bridge->session->invalidateEntry(parent, std::string(name.begin(), name.end()));
  return info.Env().Undefined();
}

Napi::Value closePosts(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(bridge->session->closePosts()));
}

Napi::Value openPosts(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  bridge->session->openPosts();
  return info.Env().Undefined();
}

Napi::Value grantInodes(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.grantInodes");
  const std::uint64_t first = reader.bigUint64(info[0], "first");
  const std::uint32_t count = reader.uint32(info[1], "count", 1, UINT32_MAX);
  if (reader.failed()) return info.Env().Undefined();
  bridge->session->grantInodes(first, count);
  return info.Env().Undefined();
}

Napi::Value stop(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "fuse.stop");
  const bool force = reader.boolean(info[0], "force");
  if (reader.failed()) return info.Env().Undefined();
  const Status status = bridge->session->stop(force);
  return status.ok() ? info.Env().Undefined() : throwStatus(info.Env(), status, "umount");
}

Napi::Value counters(const SharedBridge& bridge, const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  for (const auto& [name, value] : bridge->session->counters()) {
    result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
  }
  return result;
}

Napi::Value createFuseSession(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ArgumentReader reader(env, "createFuseSession");
  const Napi::Object given = reader.object(info[0], "options");
  fuse::SessionOptions options;
  options.mountPoint = reader.string(given.Get("mountPoint"), "mountPoint");
  options.mountOptions = reader.string(given.Get("mountOptions"), "mountOptions");
  options.threads = reader.uint32(given.Get("threads"), "threads", 1, kThreadsMax);
  options.attributeTimeoutSeconds =
      static_cast<double>(reader.integer(given.Get("attributeTimeoutMs"), "attributeTimeoutMs", 0, kTimeoutMsMax)) /
      kMillisecondsPerSecond;
  options.entryTimeoutSeconds =
      static_cast<double>(reader.integer(given.Get("entryTimeoutMs"), "entryTimeoutMs", 0, kTimeoutMsMax)) /
      kMillisecondsPerSecond;
  options.readOnly = reader.boolean(given.Get("readOnly"), "readOnly");
  if (reader.failed()) return env.Undefined();
  std::shared_ptr<ContentStore> contents = contentStoreOf(info[1]);
  if (contents == nullptr) return throwInvalid(env, "createFuseSession", "contents must be a content store");

  auto bridge = std::make_shared<Bridge>();
  bridge->session = std::make_unique<fuse::Session>(std::move(options), std::move(contents));
  Napi::Object session = Napi::Object::New(env);
  const auto method = [&](const char* name, Napi::Value (*function)(const SharedBridge&, const Napi::CallbackInfo&)) {
    session.Set(name,
                Napi::Function::New(
                    env, [bridge, function](const Napi::CallbackInfo& call) { return function(bridge, call); }, name));
  };
  method("start", start);
  method("take", take);
  method("reply", reply);
  method("invalidateInode", invalidateInode);
  method("invalidateEntry", invalidateEntry);
  method("closePosts", closePosts);
  method("openPosts", openPosts);
  method("grantInodes", grantInodes);
  method("stop", stop);
  method("counters", counters);
  return session;
}

}  // namespace

void registerFuse(Napi::Env env, Napi::Object exports) {
  exports.Set("createFuseSession", Napi::Function::New(env, createFuseSession, "createFuseSession"));
}

}  // namespace packetfs
