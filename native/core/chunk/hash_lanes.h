// The compression of BLAKE3 for many inputs at once, each in a lane of its own: leaves of any place and length, or
// joints of trees. The library's kernels want the same place and length in all lanes of a call.
#pragma once
#include <cstdint>
#include <span>

namespace packetfs {

struct LaneInput {
  const std::uint8_t* bytes = nullptr;  // readable for as many blocks of 64 bytes as the longest of a call has
  std::uint64_t counter = 0;            // of the leaf
  std::uint32_t blocks = 0;             // at least one
  std::uint32_t lastLength = 0;         // bytes of the last block; those behind them are zeros
  std::uint32_t lastFlags = 0;          // of the last block, beside those of all blocks
  std::uint8_t* result = nullptr;       // 32 bytes
};

#if defined(__x86_64__)
/// Writes the chaining value of each leaf. `key` has 8 words, `flags` are those of all blocks (BLAKE3, section 2.2).
void hashLeavesAvx512(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs);
/// The same of joints, each one whole block: of an input only `bytes` and `result` count.
void hashJointsAvx512(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs);
#endif

}  // namespace packetfs
