// Keyed BLAKE3 of several chunks at once, in the two ways that hash_many.h chooses from. As blake3KeyedMany.
#pragma once
#include "hash_many.h"

namespace packetfs {

/// In the lanes of the library's kernels, on the best instruction set that it finds.
void blake3KeyedManyByLibrary(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes);

#if defined(__x86_64__)
/// All leaves of all of them, whole or not, in lanes side by side (hash_lanes.h); the CPU must have AVX-512.
void blake3KeyedManyWide(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes);
#endif

}  // namespace packetfs
