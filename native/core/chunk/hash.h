// Keyed BLAKE3-256 (official C and assembly sources), the identity of a chunk; and CRC32C for torn-write detection.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace packetfs {

using Hash256 = std::array<std::uint8_t, 32>;
using ChunkKey = std::array<std::uint8_t, 32>;

Hash256 blake3Keyed(const ChunkKey& key, const std::uint8_t* bytes, std::size_t length);
Hash256 blake3(const std::uint8_t* bytes, std::size_t length);
/// BLAKE3 derive_key mode; `context` is a hard-coded sentence, NUL-terminated.
Hash256 blake3DeriveKey(const char* context, const std::uint8_t* material, std::size_t length);

/// CRC32C (Castagnoli, RFC 3720 B.4), hardware where SSE4.2 is, continuing from `seed` (0 to start).
std::uint32_t crc32c(const std::uint8_t* bytes, std::size_t length, std::uint32_t seed = 0);

/// True when all bytes are zero.
bool isZero(const std::uint8_t* bytes, std::size_t length);
}  // namespace packetfs
