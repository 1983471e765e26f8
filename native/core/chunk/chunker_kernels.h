// The inner loop of the chunker, one function per instruction set; chunker.cc chooses. All give the earliest position
// in [first, last] that minimises h(i) = LE32(bytes[i-4..i)) * multiplier + addend, with 4 <= first <= last; none reads
// outside bytes[first - 4, last).
#pragma once
#include <algorithm>
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

/// How far ahead of the scan the kernels prefetch: a scan that begins may leave out half of what the one before took,
/// so it is more than that. Loads that cross a line of the cache while it is fetched cost twice, hence none does in a
/// scan.
constexpr std::size_t kPrefetchBytes = 12U << 10;

/// Kernels scan in blocks, remember the first block with the least value, and look for its position last.
constexpr std::size_t kScanBlock = 1024;

/// The search that all kernels share. A `Kernel` has `kStep`, the positions that it takes at once;
/// `leastOf(words, count)`, the least hash of `count` (a multiple of `kStep`) words that begin at consecutive bytes;
/// and `placeOf(words, value)`, the first of such words whose hash is `value`, which there is.
template <typename Kernel>
std::size_t findMinimumInBlocks(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  const Kernel kernel(hash);
  std::uint32_t least = hash.before(bytes + last);
  std::size_t block = last;
  std::size_t position = first;
  while (last - position >= Kernel::kStep) {
    const std::size_t count = std::min(kScanBlock, (last - position) / Kernel::kStep * Kernel::kStep);
    const std::uint32_t value = kernel.leastOf(bytes + position - sizeof value, count);
    if (value < least || (value == least && block == last)) {
      least = value;
      block = position;
    }
    position += count;
  }
  const std::size_t tail = position;
  for (; position < last; position++) {
    const std::uint32_t value = hash.before(bytes + position);
    if (value < least || (value == least && block == last)) {
      least = value;
      block = position;
    }
  }
  return block < tail ? block + kernel.placeOf(bytes + block - sizeof least, least) : block;
}

}  // namespace packetfs
