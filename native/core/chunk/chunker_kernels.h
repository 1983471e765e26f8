// The inner loop of the chunker, one function per instruction set; chunker.cc chooses. All give the earliest position
// in [first, last] that minimises h(i) = LE32(bytes[i-4..i)) * multiplier + addend, with 4 <= first <= last; none reads
// outside bytes[first - 4, last).
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace packetfs {

struct CutHash {
  std::uint32_t multiplier;
  std::uint32_t addend;

  /// h at the position that `end` points to.
  [[nodiscard]] std::uint32_t before(const std::uint8_t* end) const {
    std::uint32_t word;
    std::memcpy(&word, end - sizeof word, sizeof word);
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) word = __builtin_bswap32(word);
    return word * multiplier + addend;
  }
};

using FindMinimum = std::size_t (*)(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last);

std::size_t findMinimumPortable(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last);
#if defined(__x86_64__)
std::size_t findMinimumAvx2(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last);
std::size_t findMinimumAvx512(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last);
#endif

/// How far ahead of the scan the kernels prefetch.
constexpr std::size_t kPrefetchBytes = 4096;

/// The vector kernels scan in blocks, remember the first block with the least value, and look for its position last.
constexpr std::size_t kScanBlock = 1024;

struct BlockMinimum {
  std::uint32_t value = UINT32_MAX;
  std::size_t block = 0;
  bool found = false;

  void offer(std::uint32_t candidate, std::size_t candidateBlock) {
    if (found && candidate >= value) return;
    value = candidate;
    block = candidateBlock;
    found = true;
  }
};

/// The end of a vector kernel: blocks cover [first, tail), [tail, last] is left to scan; earliest minimum of both.
inline std::size_t resolveMinimum(CutHash hash, const std::uint8_t* bytes, const BlockMinimum& blocks, std::size_t tail,
                                  std::size_t last) {
  std::size_t position = tail;
  if (blocks.found) {
    position = blocks.block;
    while (hash.before(bytes + position) != blocks.value) position++;
  }
  if (tail > last) return position;
  const std::size_t tailPosition = findMinimumPortable(hash, bytes, tail, last);
  if (blocks.found && hash.before(bytes + tailPosition) >= blocks.value) return position;
  return tailPosition;
}

}  // namespace packetfs
