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

inline std::size_t findMinimumOneByOne(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  std::size_t best = first;
  std::uint32_t least = hash.before(bytes + first);
  for (std::size_t position = first + 1; position <= last; position++) {
    const std::uint32_t value = hash.before(bytes + position);
    if (value >= least) continue;
    least = value;
    best = position;
  }
  return best;
}

/// The search that all kernels share. A `Kernel` has `kStep`, the positions that it takes at once;
/// `leastOf(words, count)`, the least hash of `count` (a multiple of `kStep`) words that begin at consecutive bytes;
/// and `placeOf(words, value)`, the first of such words whose hash is `value`, which there is.
template <typename Kernel>
std::size_t findMinimumInBlocks(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  constexpr std::size_t kStep = Kernel::kStep;
  if (last - first < kStep) return findMinimumOneByOne(hash, bytes, first, last);
  const Kernel kernel(hash);
  const std::uint8_t* const words = bytes - sizeof(std::uint32_t);
  std::uint32_t least = kernel.leastOf(words + first, kStep);
  std::size_t block = first;
  const auto offer = [&](std::size_t position, std::size_t count) {
    const std::uint32_t value = kernel.leastOf(words + position, count);
    if (value >= least) return;
    least = value;
    block = position;
  };
  // Of the first and the last step some positions are looked at twice, so that those between begin with a line.
  std::size_t position = first + kStep - reinterpret_cast<std::uintptr_t>(words + first) % kStep;
  while (last - position >= kStep) {
    const std::size_t count = std::min(kScanBlock, (last - position) / kStep * kStep);
    offer(position, count);
    position += count;
  }
  offer(last - kStep, kStep);
  if (hash.before(bytes + last) < least) return last;
  return block + kernel.placeOf(words + block, least);
}

}  // namespace packetfs
