// mincdc-h4 (DESIGN §3): cut at the earliest position i in [minimum, maximum] that minimises
// h(i) = LE32(bytes[i-4..i)) * multiplier + addend (mod 2^32). At most `minimum` bytes left: the rest is the last
// chunk. One generic definition, one kernel per instruction set, all with identical cuts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/result.h"

namespace packetfs {

struct ChunkerParameters {
  std::uint32_t minimum = 8192;
  std::uint32_t maximum = 24576;
  std::uint32_t multiplier = 0;  // odd, derived from the volume secret
  std::uint32_t addend = 0;      // derived from the volume secret
};

constexpr std::uint32_t kChunkBytesLeast = 64;
constexpr std::uint32_t kChunkBytesMost = 1U << 20;

/// EINVAL unless kChunkBytesLeast <= minimum < maximum <= kChunkBytesMost and the multiplier is odd. What follows takes
/// valid parameters only.
Status validate(const ChunkerParameters& parameters);

/// Length of the first chunk of bytes[0, length). `length` may exceed maximum; when it is at most `minimum`, returns
/// `length`. The caller must pass at least `maximum` bytes unless these are the last ones of the stream.
std::size_t nextCut(const ChunkerParameters& parameters, const std::uint8_t* bytes, std::size_t length);

/// Ends of all chunks of bytes[0, length), the last one being `length`.
std::vector<std::uint32_t> cutAll(const ChunkerParameters& parameters, const std::uint8_t* bytes, std::size_t length);

}  // namespace packetfs
