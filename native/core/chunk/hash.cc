// BLAKE3 (hash.h) over the official C library, which chooses its own instruction set.
#include "hash.h"

#include <blake3.h>

namespace packetfs {

namespace {

Hash256 finish(blake3_hasher& hasher, const std::uint8_t* bytes, std::size_t length) {
  Hash256 hash;
  if (length > 0) blake3_hasher_update(&hasher, bytes, length);
  blake3_hasher_finalize(&hasher, hash.data(), hash.size());
  return hash;
}

}  // namespace

Hash256 blake3Keyed(const ChunkKey& key, const std::uint8_t* bytes, std::size_t length) {
  blake3_hasher hasher;
  blake3_hasher_init_keyed(&hasher, key.data());
  return finish(hasher, bytes, length);
}

Hash256 blake3(const std::uint8_t* bytes, std::size_t length) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  return finish(hasher, bytes, length);
}

Hash256 blake3DeriveKey(const char* context, const std::uint8_t* material, std::size_t length) {
  blake3_hasher hasher;
  blake3_hasher_init_derive_key(&hasher, context);
  return finish(hasher, material, length);
}

}  // namespace packetfs
