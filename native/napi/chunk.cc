// Hashing, cutting and compressing for JavaScript: small synchronous calls over native/core/chunk and codec.
#include "../core/chunk/chunker.h"
#include "../core/chunk/hash.h"
#include "../core/codec/compression.h"
#include "arguments.h"
#include "rooms.h"

namespace packetfs {

namespace {

constexpr std::uint32_t kDecompressedBytesMost = 256U << 20;

Napi::Value hashToArray(Napi::Env env, const Hash256& hash) { return copyToArray<std::uint8_t>(env, hash); }

Napi::Value blake3Call(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "blake3");
  const auto bytes = reader.bytes(info[0], "bytes");
  if (reader.failed()) return info.Env().Undefined();
  return hashToArray(info.Env(), blake3(bytes.data(), bytes.size()));
}

Napi::Value blake3KeyedCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "blake3Keyed");
  ChunkKey key;
  const auto keyBytes = reader.bytesOfLength(info[0], "key", key.size());
  const auto bytes = reader.bytes(info[1], "bytes");
  if (reader.failed()) return info.Env().Undefined();
  std::memcpy(key.data(), keyBytes.data(), key.size());
  return hashToArray(info.Env(), blake3Keyed(key, bytes.data(), bytes.size()));
}

Napi::Value blake3DeriveKeyCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "blake3DeriveKey");
  const std::string context = reader.string(info[0], "context");
  const auto material = reader.bytes(info[1], "material");
  if (reader.failed()) return info.Env().Undefined();
  return hashToArray(info.Env(), blake3DeriveKey(context.c_str(), material.data(), material.size()));
}

Napi::Value crc32cCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "crc32c");
  const auto bytes = reader.bytes(info[0], "bytes");
  const std::uint32_t seed = info[1].IsUndefined() ? 0 : reader.uint32(info[1], "seed");
  if (reader.failed()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), crc32c(bytes.data(), bytes.size(), seed));
}

Napi::Value isZeroCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "isZero");
  const auto bytes = reader.bytes(info[0], "bytes");
  if (reader.failed()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), isZero(bytes.data(), bytes.size()));
}

Napi::Value cutAllCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "cutAll");
  const ChunkerParameters parameters = readChunker(reader, info[0]);
  const auto bytes = reader.bytes(info[1], "bytes");
  if (!reader.failed() && bytes.size() > UINT32_MAX) reader.fail("bytes", "must be shorter than 4 GiB");
  if (reader.failed()) return info.Env().Undefined();
  const auto ends = cutAll(parameters, bytes.data(), bytes.size());
  return copyToArray<std::uint32_t>(info.Env(), ends);
}

Napi::Value compressCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "compress");
  const auto bytes = reader.bytes(info[0], "bytes");
  const auto level = static_cast<int>(reader.uint32(info[1], "level", 1, 19));
  if (reader.failed()) return info.Env().Undefined();
  auto frame = compress(bytes.data(), bytes.size(), level);
  if (!frame.ok()) return throwStatus(info.Env(), frame.status, "compress");
  return bytesToArray(info.Env(), std::move(frame.value));
}

Napi::Value decompressCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "decompress");
  const auto frame = reader.bytes(info[0], "frame");
  const std::uint32_t expectedLength = reader.uint32(info[1], "expectedLength", 0, kDecompressedBytesMost);
  if (reader.failed()) return info.Env().Undefined();
  auto bytes = decompress(frame.data(), frame.size(), expectedLength);
  if (!bytes.ok()) return throwStatus(info.Env(), bytes.status, "decompress");
  return bytesToArray(info.Env(), std::move(bytes.value));
}

}  // namespace

ChunkerParameters readChunker(ArgumentReader& reader, Napi::Value value) {
  const Napi::Object options = reader.object(value, "chunker");
  ChunkerParameters parameters;
  parameters.minimum = reader.uint32(options.Get("minimum"), "chunker.minimum");
  parameters.maximum = reader.uint32(options.Get("maximum"), "chunker.maximum");
  parameters.multiplier = reader.uint32(options.Get("multiplier"), "chunker.multiplier");
  parameters.addend = reader.uint32(options.Get("addend"), "chunker.addend");
  if (reader.failed()) return {};
  const Status status = validate(parameters);
  if (!status.ok()) reader.fail("chunker", "is out of range: " + status.what);
  return parameters;
}

void registerChunk(Napi::Env env, Napi::Object exports) {
  exports.Set("blake3", Napi::Function::New(env, blake3Call, "blake3"));
  exports.Set("blake3Keyed", Napi::Function::New(env, blake3KeyedCall, "blake3Keyed"));
  exports.Set("blake3DeriveKey", Napi::Function::New(env, blake3DeriveKeyCall, "blake3DeriveKey"));
  exports.Set("crc32c", Napi::Function::New(env, crc32cCall, "crc32c"));
  exports.Set("isZero", Napi::Function::New(env, isZeroCall, "isZero"));
  exports.Set("cutAll", Napi::Function::New(env, cutAllCall, "cutAll"));
  exports.Set("compress", Napi::Function::New(env, compressCall, "compress"));
  exports.Set("decompress", Napi::Function::New(env, decompressCall, "decompress"));
}

}  // namespace packetfs
