// NativeUdpSocket: native/core/udp for JavaScript. The receiving thread only wakes the JavaScript thread; what has come
// in by then is taken as one batch. An open socket that receives keeps its object and the process alive, as dgram does.
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "../core/udp/udp_socket.h"
#include "arguments.h"
#include "rooms.h"

namespace packetfs {

namespace {

constexpr std::size_t kEndpointsCachedMost = 256;
constexpr std::uint32_t kDelayMost = 1'000'000;  // microseconds

/// Address, port, and local address or nothing.
using EndpointName = std::tuple<std::string, std::uint16_t, std::string>;

class UdpWrap : public Napi::ObjectWrap<UdpWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeUdpSocket",
                       {InstanceMethod<&UdpWrap::bind>("bind"), InstanceMethod<&UdpWrap::start>("start"),
                        InstanceMethod<&UdpWrap::send>("send"), InstanceMethod<&UdpWrap::counters>("counters"),
                        InstanceMethod<&UdpWrap::close>("close")});
  }

  explicit UdpWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpWrap>(info) {}
  ~UdpWrap() override { socket_.reset(); }

 private:
  /// What the thread-safe function keeps until its last call: it may outlive the object.
  struct Waker {
    UdpWrap* owner;  // null once closed; JavaScript thread only
    napi_threadsafe_function function = nullptr;
  };

  Napi::Value bind(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    ArgumentReader reader(env, "bind");
    const std::string address = reader.string(info[0], "address");
    const auto port = static_cast<std::uint16_t>(reader.uint32(info[1], "port", 0, UINT16_MAX));
    if (!reader.failed() && (socket_ != nullptr || closed_)) reader.fail("the socket", "is bound or closed already");
    if (reader.failed()) return env.Undefined();
    const Result<Endpoint> wanted = Endpoint::parse(address, port);
    if (!wanted.ok()) return throwStatus(env, wanted.status, "bind");
    auto bound = UdpSocket::bind(wanted.value);
    if (!bound.ok()) return throwStatus(env, bound.status, "bind");
    socket_ = std::move(bound.value);
    return endpointToObject(env, socket_->local());
  }

  Napi::Value start(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    ArgumentReader reader(env, "start");
    const Napi::Function onBatch = reader.function(info[0], "onBatch");
    const Napi::Function onError = reader.function(info[1], "onError");
    if (!reader.failed() && (socket_ == nullptr || waker_ != nullptr)) {
      reader.fail("the socket", "must be bound, and not be started twice");
    }
    if (reader.failed()) return env.Undefined();
    waker_ = new Waker{this};
    const napi_status made = napi_create_threadsafe_function(
        env, nullptr, nullptr, Napi::String::New(env, "NativeUdpSocket"), 0, 1, waker_,
        [](napi_env, void* data, void*) { delete static_cast<Waker*>(data); }, waker_, deliverCall, &waker_->function);
    if (made != napi_ok) {
      delete std::exchange(waker_, nullptr);
      return throwStatus(env, Status::failure(ENOMEM, "no thread-safe function"), "start");
    }
    onBatch_ = Napi::Persistent(onBatch);
    onError_ = Napi::Persistent(onError);
    Ref();
    // Hooks run in reverse order: this one joins the thread before Node takes the thread-safe function down.
    napi_add_env_cleanup_hook(env, stopAtExit, this);
    const Status started = socket_->startReceiving(
        [function = waker_->function] { napi_call_threadsafe_function(function, nullptr, napi_tsfn_nonblocking); });
    if (started.ok()) return env.Undefined();
    stop(env);
    return throwStatus(env, started, "start");
  }

  Napi::Value send(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    ArgumentReader reader(env, "send");
    const Napi::Object options = reader.object(info[0], "options");
    const std::string address = reader.string(options.Get("address"), "address");
    const auto port = static_cast<std::uint16_t>(reader.uint32(options.Get("port"), "port", 1, UINT16_MAX));
    const Napi::Value from = options.Get("local");
    const std::string local = from.IsUndefined() ? std::string() : reader.string(from, "local");
    const auto bytes = reader.bytes(options.Get("bytes"), "bytes");
    const auto datagrams = reader.uint32Array(options.Get("datagrams"), "datagrams");
    const Napi::Value given = options.Get("delays");
    const auto delays = given.IsUndefined() ? std::span<const std::uint32_t>() : reader.uint32Array(given, "delays");
    if (!reader.failed()) checkDatagrams(reader, bytes, datagrams);
    if (!reader.failed() && !given.IsUndefined()) checkDelays(reader, delays, datagrams.size() / 2);
    if (!reader.failed() && socket_ == nullptr) reader.fail("the socket", "is not bound or closed already");
    if (reader.failed()) return env.Undefined();
    const Result<Endpoint> destination = endpointOf(address, port, local);
    if (!destination.ok()) return throwStatus(env, destination.status, "send");
    const Result<std::size_t> taken = socket_->send(destination.value, bytes.data(), datagrams, delays);
    if (!taken.ok()) return throwStatus(env, taken.status, "send");
    return Napi::Number::New(env, static_cast<double>(taken.value));
  }

  static void checkDatagrams(ArgumentReader& reader, std::span<const std::uint8_t> bytes,
                             std::span<const std::uint32_t> datagrams) {
    if (datagrams.size() % 2 != 0) reader.fail("datagrams", "must hold [offset, length] pairs");
    for (std::size_t i = 0; i + 1 < datagrams.size() && !reader.failed(); i += 2) {
      const std::uint64_t end = static_cast<std::uint64_t>(datagrams[i]) + datagrams[i + 1];
      if (end > bytes.size()) reader.fail("datagrams", "must lie within bytes");
      if (datagrams[i + 1] > kDatagramBytesMost) reader.fail("datagrams", "must be at most 65507 bytes long");
    }
  }

  static void checkDelays(ArgumentReader& reader, std::span<const std::uint32_t> delays, std::size_t count) {
    if (delays.size() != count)
      reader.fail("delays", "must hold one for each datagram");
    else if (!std::is_sorted(delays.begin(), delays.end()))
      reader.fail("delays", "must not decrease");
    else if (!delays.empty() && delays.back() > kDelayMost)
      reader.fail("delays", "must be at most a second");
  }

  Result<Endpoint> endpointOf(const std::string& address, std::uint16_t port, const std::string& local) {
    const EndpointName name{address, port, local};
    const auto known = endpoints_.find(name);
    if (known != endpoints_.end()) return known->second;
    Result<Endpoint> parsed = Endpoint::parse(address, port);
    if (!parsed.ok()) return parsed;
    if (!local.empty()) {
      const Result<Endpoint> source = Endpoint::parse(local, 0);
      if (!source.ok()) return source;
      parsed.value = parsed.value.from(source.value);
    }
    if (endpoints_.size() >= kEndpointsCachedMost) endpoints_.clear();
    endpoints_.insert_or_assign(name, parsed.value);
    return parsed;
  }

  Napi::Value counters(const Napi::CallbackInfo& info) {
    auto object = Napi::Object::New(info.Env());
    if (socket_ == nullptr) return closed_ ? final_.Value() : object;
    const auto set = [&object](const char* name, std::uint64_t value) { object.Set(name, static_cast<double>(value)); };
    const UdpCounters& counters = socket_->counters();
    set("packetsSent", counters.packetsSent);
    set("bytesSent", counters.bytesSent);
    set("packetsReceived", counters.packetsReceived);
    set("bytesReceived", counters.bytesReceived);
    set("sendErrors", counters.sendErrors);
    set("receiveErrors", counters.receiveErrors);
    set("receiveDropped", counters.receiveDropped);
    set("kernelDropped", socket_->kernelDropped());
    set("gsoBatches", counters.gsoBatches);
    set("gsoFallbacks", counters.gsoFallbacks);
    set("groBatches", counters.groBatches);
    set("receiveBufferBytes", static_cast<std::uint64_t>(socket_->bufferBytes(SO_RCVBUF)));
    set("sendBufferBytes", static_cast<std::uint64_t>(socket_->bufferBytes(SO_SNDBUF)));
    return object;
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    if (closed_) return info.Env().Undefined();
    if (socket_ != nullptr) socket_->stopSending();
    const Napi::Object last = counters(info).As<Napi::Object>();
    closed_ = true;
    final_ = Napi::Persistent(last);
    stop(info.Env());
    socket_.reset();
    return info.Env().Undefined();
  }

  /// Joins the thread, then lets go of all that start() took.
  void stop(Napi::Env env) {
    if (waker_ == nullptr) return;
    socket_->stopReceiving();
    napi_remove_env_cleanup_hook(env, stopAtExit, this);
    Waker* waker = std::exchange(waker_, nullptr);
    waker->owner = nullptr;
    napi_release_threadsafe_function(waker->function, napi_tsfn_abort);
    onBatch_.Reset();
    onError_.Reset();
    Unref();
  }

  /// The environment ends: the thread must be gone before the thread-safe function is. Node frees the rest.
  static void stopAtExit(void* data) {
    auto* self = static_cast<UdpWrap*>(data);
    self->socket_->stopReceiving();
    self->waker_->owner = nullptr;
  }

  static void deliverCall(napi_env env, napi_value, void* context, void*) {
    auto* owner = static_cast<Waker*>(context)->owner;
    if (env != nullptr && owner != nullptr) owner->deliver(env);
  }

  void deliver(Napi::Env env) {
    ReceivedBatch batch = socket_->take();
    const int failure = batch.failure;
    if (!batch.datagrams.empty()) onBatch_.Call({batchToObject(env, std::move(batch))});
    raiseUncaught(env);
    if (failure == 0 || closed_) return;
    onError_.Call({Napi::Number::New(env, failure)});
    raiseUncaught(env);
  }

  static Napi::Object endpointToObject(Napi::Env env, const Endpoint& endpoint) {
    auto object = Napi::Object::New(env);
    object.Set("address", endpoint.address());
    object.Set("port", endpoint.port());
    if (endpoint.hasLocal()) object.Set("local", endpoint.localAddress());
    return object;
  }

  static Napi::Object batchToObject(Napi::Env env, ReceivedBatch batch) {
    auto sources = Napi::Array::New(env, batch.sources.size());
    for (std::uint32_t i = 0; i < batch.sources.size(); i++) sources[i] = endpointToObject(env, batch.sources[i]);
    auto object = Napi::Object::New(env);
    object.Set("bytes", bytesToArray(env, std::move(batch.bytes)));
    object.Set("datagrams", copyToArray<std::uint32_t>(env, batch.datagrams));
    object.Set("ages", copyToArray<std::uint32_t>(env, batch.ages));
    object.Set("sources", sources);
    return object;
  }

  std::unique_ptr<UdpSocket> socket_{};
  Waker* waker_ = nullptr;
  Napi::FunctionReference onBatch_{};
  Napi::FunctionReference onError_{};
  Napi::ObjectReference final_{};  // counters when it was closed
  std::map<EndpointName, Endpoint> endpoints_{};
  bool closed_ = false;
};

}  // namespace

void registerUdp(Napi::Env env, Napi::Object exports) {
  auto constructor = std::make_shared<Napi::FunctionReference>(Napi::Persistent(UdpWrap::define(env)));
  auto create = [constructor](const Napi::CallbackInfo&) -> Napi::Value { return constructor->New({}); };
  exports.Set("createUdpSocket", Napi::Function::New(env, create, "createUdpSocket"));
}

}  // namespace packetfs
