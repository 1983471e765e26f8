// AVX2 kernel of the chunker: four unaligned loads give the words before 32 consecutive positions.
#if defined(__x86_64__)
#include <immintrin.h>

#include "chunker_kernels.h"

#define PFS_TARGET __attribute__((target("avx2")))

namespace packetfs {

namespace {

constexpr std::size_t kStep = 32;

PFS_TARGET inline std::uint32_t leastLane(__m256i values) {
  __m128i half = _mm_min_epu32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(half));
}

PFS_TARGET inline __m256i hashAt(const std::uint8_t* word, __m256i multiplier, __m256i addend) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
  return _mm256_add_epi32(_mm256_mullo_epi32(words, multiplier), addend);
}

PFS_TARGET std::uint32_t leastOfBlock(const std::uint8_t* words, std::size_t count, __m256i multiplier,
                                      __m256i addend) {
  __m256i even = _mm256_set1_epi32(-1);
  __m256i odd = even;
  for (std::size_t i = 0; i < count; i += kStep) {
    _mm_prefetch(reinterpret_cast<const char*>(words + i + kPrefetchBytes), _MM_HINT_T0);
    even = _mm256_min_epu32(even, hashAt(words + i, multiplier, addend));
    odd = _mm256_min_epu32(odd, hashAt(words + i + 1, multiplier, addend));
    even = _mm256_min_epu32(even, hashAt(words + i + 2, multiplier, addend));
    odd = _mm256_min_epu32(odd, hashAt(words + i + 3, multiplier, addend));
  }
  return leastLane(_mm256_min_epu32(even, odd));
}

}  // namespace

PFS_TARGET std::size_t findMinimumAvx2(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  const __m256i multiplier = _mm256_set1_epi32(static_cast<int>(hash.multiplier));
  const __m256i addend = _mm256_set1_epi32(static_cast<int>(hash.addend));
  BlockMinimum blocks;
  std::size_t position = first;
  while (last + 1 - position >= kStep) {
    const std::size_t left = (last + 1 - position) / kStep * kStep;
    const std::size_t count = left < kScanBlock ? left : kScanBlock;
    blocks.offer(leastOfBlock(bytes + position - 4, count, multiplier, addend), position);
    position += count;
  }
  return resolveMinimum(hash, bytes, blocks, position, last);
}

}  // namespace packetfs
#endif
