// What every napi file needs: coded errors out of a core Status, checked reading of JavaScript values, and work on
// libuv's pool behind a promise. After a reader failed, a JavaScript exception is pending: return at once.
#pragma once
#include <napi.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/base/address.h"
#include "../core/base/result.h"
#include "../core/chunk/chunker.h"

namespace packetfs {

/// An Error with `errno` (number), `syscall` and `code` (the errno's name, `EBADMSG`).
inline Napi::Error makeError(Napi::Env env, const Status& status, const char* syscall) {
  const char* name = strerrorname_np(status.error);
  const char* description = strerrordesc_np(status.error);
  std::string sentence = std::string(syscall) + ": ";
  sentence += status.what.empty() ? (description == nullptr ? "unknown error" : description) : status.what;
  Napi::Error error = Napi::Error::New(env, sentence);
  error.Set("errno", Napi::Number::New(env, status.error));
  error.Set("syscall", Napi::String::New(env, syscall));
  if (name != nullptr) error.Set("code", Napi::String::New(env, name));
  return error;
}

/// Throws and returns undefined, so that a function can `return throwStatus(...)`.
inline Napi::Value throwStatus(Napi::Env env, const Status& status, const char* syscall) {
  makeError(env, status, syscall).ThrowAsJavaScriptException();
  return env.Undefined();
}

inline Napi::Value throwInvalid(Napi::Env env, const char* syscall, const std::string& sentence) {
  return throwStatus(env, Status::failure(EINVAL, sentence), syscall);
}

/// After calling JavaScript from a thread-safe function: Node 20 only warns of an exception there (DEP0168); this makes
/// it end the process like any uncaught one.
inline void raiseUncaught(Napi::Env env) {
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

/// Reads values with their types and ranges checked. The first failure throws (EINVAL, naming the value) and sticks:
/// read everything, then `if (reader.failed()) return env.Undefined();`. Failed reads give empty values.
class ArgumentReader {
 public:
  ArgumentReader(Napi::Env env, const char* syscall) : env_(env), syscall_(syscall) {}

  [[nodiscard]] bool failed() const { return failed_; }

  /// The memory of a Uint8Array (or Buffer). Valid until JavaScript runs again, unless pinned by runAsync.
  std::span<std::uint8_t> bytes(Napi::Value value, const char* name) {
    if (failed_) return {};
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      fail(name, "must be a Uint8Array");
      return {};
    }
    auto array = value.As<Napi::Uint8Array>();
    return {array.Data(), array.ByteLength()};
  }

  /// As bytes(), of exactly `length`.
  std::span<std::uint8_t> bytesOfLength(Napi::Value value, const char* name, std::size_t length) {
    auto found = bytes(value, name);
    if (!failed_ && found.size() != length) {
      fail(name, "must have " + std::to_string(length) + " bytes");
      return {};
    }
    return found;
  }

  /// As bytes(), for work on another thread: the memory must not be resizable or shared.
  std::span<std::uint8_t> pinnableBytes(Napi::Value value, const char* name) {
    auto found = bytes(value, name);
    if (failed_) return {};
    Napi::Value buffer = value.As<Napi::Object>().Get("buffer");
    if (!buffer.IsArrayBuffer() || buffer.As<Napi::Object>().Get("resizable").ToBoolean().Value()) {
      fail(name, "must not be over a resizable or shared buffer");
      return {};
    }
    return found;
  }

  std::span<std::uint64_t> bigUint64Array(Napi::Value value, const char* name) {
    if (failed_) return {};
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array) {
      fail(name, "must be a BigUint64Array");
      return {};
    }
    auto array = value.As<Napi::TypedArrayOf<std::uint64_t>>();
    return {array.Data(), array.ElementLength()};
  }

  std::span<std::uint32_t> uint32Array(Napi::Value value, const char* name) {
    if (failed_) return {};
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
      fail(name, "must be a Uint32Array");
      return {};
    }
    auto array = value.As<Napi::Uint32Array>();
    return {array.Data(), array.ElementLength()};
  }

  /// A flat BigUint64Array of [fileOffset, length, address] triples.
  ExtentList extents(Napi::Value value, const char* name) {
    auto flat = bigUint64Array(value, name);
    if (!failed_ && flat.size() % 3 != 0) fail(name, "must hold [fileOffset, length, address] triples");
    if (failed_) return {};
    ExtentList list;
    list.reserve(flat.size() / 3);
    for (std::size_t i = 0; i < flat.size(); i += 3) list.push_back({flat[i], flat[i + 1], flat[i + 2]});
    return list;
  }

  /// A non-negative integer number in [minimum, maximum]; maximum at most 2^53 - 1.
  std::uint64_t integer(Napi::Value value, const char* name, std::uint64_t minimum, std::uint64_t maximum) {
    if (failed_) return 0;
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
    if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
        number != std::floor(number)) {
      fail(name, "must be an integer from " + std::to_string(minimum) + " to " + std::to_string(maximum));
      return 0;
    }
    return static_cast<std::uint64_t>(number);
  }

  std::uint32_t uint32(Napi::Value value, const char* name, std::uint32_t minimum = 0,
                       std::uint32_t maximum = UINT32_MAX) {
    return static_cast<std::uint32_t>(integer(value, name, minimum, maximum));
  }

  std::uint64_t bigUint64(Napi::Value value, const char* name, std::uint64_t maximum = UINT64_MAX) {
    if (failed_) return 0;
    bool lossless = false;
    const std::uint64_t number = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
    if (!lossless || number > maximum) {
      fail(name, "must be a bigint from 0 to " + std::to_string(maximum));
      return 0;
    }
    return number;
  }

  std::string string(Napi::Value value, const char* name) {
    if (failed_) return {};
    if (!value.IsString()) {
      fail(name, "must be a string");
      return {};
    }
    return value.As<Napi::String>().Utf8Value();
  }

  /// An array of Uint8Arrays, which names of files may be.
  std::vector<std::string> byteStrings(Napi::Value value, const char* name) {
    std::vector<std::string> list;
    if (!failed_ && !value.IsArray()) fail(name, "must be an array");
    if (failed_) return list;
    auto array = value.As<Napi::Array>();
    for (std::uint32_t i = 0; i < array.Length() && !failed_; i++) {
      const auto one = bytes(array.Get(i), name);
      list.emplace_back(one.begin(), one.end());
    }
    return list;
  }

  bool boolean(Napi::Value value, const char* name) {
    if (failed_) return false;
    if (!value.IsBoolean()) {
      fail(name, "must be a boolean");
      return false;
    }
    return value.As<Napi::Boolean>().Value();
  }

  Napi::Object object(Napi::Value value, const char* name) {
    if (!failed_ && !value.IsObject()) fail(name, "must be an object");
    return failed_ ? Napi::Object::New(env_) : value.As<Napi::Object>();
  }

  /// Undefined after a failure: check failed() before use.
  Napi::Function function(Napi::Value value, const char* name) {
    if (!failed_ && !value.IsFunction()) fail(name, "must be a function");
    return failed_ ? Napi::Function() : value.As<Napi::Function>();
  }

  void fail(const char* name, const std::string& requirement) {
    if (failed_) return;
    failed_ = true;
    throwInvalid(env_, syscall_, std::string(name) + " " + requirement);
  }

 private:
  Napi::Env env_;
  const char* syscall_;
  bool failed_ = false;
};

/// ChunkerParameters of src/addon/native.ts, validated. Defined in chunk.cc.
ChunkerParameters readChunker(ArgumentReader& reader, Napi::Value value);

/// A new typed array with a copy of `elements`. Undefined while a worker is being terminated: arrays cannot be made
/// then, although calls and callbacks still come in. Every array must be made by these functions, which know that.
template <typename Element>
Napi::Value copyToArray(Napi::Env env, std::span<const Element> elements) {
  auto array = Napi::TypedArrayOf<Element>::New(env, elements.size());
  if (array.IsEmpty()) return env.Undefined();
  if (!elements.empty()) std::memcpy(array.Data(), elements.data(), elements.size_bytes());
  return array;
}

/// A BigUint64Array of [fileOffset, length, address] triples.
inline Napi::Value extentsToArray(Napi::Env env, const ExtentList& list) {
  std::vector<std::uint64_t> flat;
  flat.reserve(list.size() * 3);
  for (const Extent& extent : list) flat.insert(flat.end(), {extent.fileOffset, extent.length, extent.address});
  return copyToArray<std::uint64_t>(env, flat);
}

/// A Uint8Array that takes over the vector's memory (no copy), unless it is small.
inline Napi::Value bytesToArray(Napi::Env env, std::vector<std::uint8_t>&& bytes) {
  constexpr std::size_t kCopyBelowBytes = 4096;
  const std::size_t length = bytes.size();
  if (length < kCopyBelowBytes) return copyToArray<std::uint8_t>(env, bytes);
  auto* owned = new std::vector<std::uint8_t>(std::move(bytes));
  const auto buffer = Napi::ArrayBuffer::New(
      env, owned->data(), length, [](Napi::Env, void*, std::vector<std::uint8_t>* memory) { delete memory; }, owned);
  if (buffer.IsEmpty()) return env.Undefined();
  const auto array = Napi::Uint8Array::New(env, length, buffer, 0);
  if (array.IsEmpty()) return env.Undefined();
  return array;
}

/// How many PromiseWorks have not settled: their promises need the event loop. Of the JavaScript thread.
inline unsigned& promiseWorks() {
  static unsigned count = 0;
  return count;
}

/// Runs `work` on libuv's pool; the promise resolves with toValue(env, result) on the JavaScript thread, or rejects
/// with the Status. `pinned` values (buffers that `work` reads or fills) stay alive until then. Neither function may
/// touch JavaScript values that it captured.
template <typename Value>
class PromiseWork final : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<Value>()>;
  using ToValue = std::function<Napi::Value(Napi::Env, Value&&)>;

  PromiseWork(Napi::Env env, const char* syscall, Work work, ToValue toValue)
      : Napi::AsyncWorker(env, syscall),
        deferred_(Napi::Promise::Deferred::New(env)),
        syscall_(syscall),
        work_(std::move(work)),
        toValue_(std::move(toValue)) {
    promiseWorks()++;
  }
  ~PromiseWork() override { promiseWorks()--; }

  void pin(Napi::Value value) { pinned_.push_back(Napi::Persistent(value.As<Napi::Object>())); }
  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { result_ = work_(); }

  void OnOK() override {
    if (!result_.ok()) {
      deferred_.Reject(makeError(Env(), result_.status, syscall_).Value());
      return;
    }
    Napi::Value value = toValue_(Env(), std::move(result_.value));
    if (Env().IsExceptionPending()) {
      deferred_.Reject(Env().GetAndClearPendingException().Value());
    } else {
      deferred_.Resolve(value);
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  const char* syscall_;
  Work work_;
  ToValue toValue_;
  Result<Value> result_{Status::failure(ECANCELED, "the work did not run")};
  std::vector<Napi::ObjectReference> pinned_{};
};

template <typename Value>
Napi::Value runAsync(Napi::Env env, const char* syscall, std::initializer_list<Napi::Value> pinned,
                     std::function<Result<Value>()> work, std::function<Napi::Value(Napi::Env, Value&&)> toValue) {
  auto* worker = new PromiseWork<Value>(env, syscall, std::move(work), std::move(toValue));
  for (Napi::Value value : pinned) worker->pin(value);
  Napi::Promise promise = worker->promise();
  worker->Queue();  // deletes itself when done
  return promise;
}

/// As runAsync, for work with no value: the promise resolves with undefined.
inline Napi::Value runAsyncStatus(Napi::Env env, const char* syscall, std::initializer_list<Napi::Value> pinned,
                                  std::function<Status()> work) {
  return runAsync<bool>(
      env, syscall, pinned,
      [work = std::move(work)]() -> Result<bool> {
        Status status = work();
        if (!status.ok()) return status;
        return true;
      },
      [](Napi::Env callbackEnv, bool&&) -> Napi::Value { return callbackEnv.Undefined(); });
}

}  // namespace packetfs
