// Keyed BLAKE3 of several chunks at once where AVX-512 is: all leaves of all of them, whole or not, in lanes side by
// side (hash_lanes.h).
#pragma once
#include "hash_many.h"

namespace packetfs {

#if defined(__x86_64__)
/// As blake3KeyedMany; the CPU must have AVX-512.
void blake3KeyedManyWide(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes);
#endif

}  // namespace packetfs
