// Keyed BLAKE3 of several chunks at once. The library hashes one input with as many lanes as it has leaves of 1 KiB, in
// powers of two, so of a chunk of 11 leaves three go alone. Here the lanes run over the leaves of all chunks, then over
// their trees level by level (docs/design/0084).
#pragma once
#include <span>

#include "hash.h"

namespace packetfs {

using ByteSpan = std::span<const std::uint8_t>;

/// `hashes[i]` becomes blake3Keyed of `inputs[i]`; as many of both.
void blake3KeyedMany(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes);

}  // namespace packetfs
