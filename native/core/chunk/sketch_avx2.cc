// Choosing positions for sketches 8 at a time.
#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>

#include "sketch_kernels.h"

namespace packetfs {

__attribute__((target("avx2"))) std::size_t chooseWordsAvx2(const std::uint8_t* words, std::size_t count,
                                                            std::uint32_t* target) {
  constexpr std::size_t kStep = 32;
  const __m256i first = _mm256_set1_epi32(static_cast<int>(SketchHash::kFirst));
  const __m256i second = _mm256_set1_epi32(static_cast<int>(SketchHash::kSecond));
  const __m256i one = _mm256_set1_epi32(1);
  std::size_t chosen = 0;
  std::size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    for (std::size_t shift = 0; shift < sizeof(std::uint32_t); shift++) {
      const auto* const word = reinterpret_cast<const __m256i*>(words + i + shift);
      const auto* const behind = reinterpret_cast<const __m256i*>(words + i + shift + sizeof(std::uint32_t));
      const __m256i low = _mm256_mullo_epi32(_mm256_loadu_si256(word), first);
      const __m256i high = _mm256_mullo_epi32(_mm256_loadu_si256(behind), second);
      const __m256i hashes = _mm256_add_epi32(low, high);
      const __m256i top = _mm256_srli_epi32(_mm256_sub_epi32(hashes, one), 32 - kSketchZeroBits);
      const __m256i isChosen = _mm256_cmpeq_epi32(top, _mm256_setzero_si256());
      auto lanes = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(isChosen)));
      for (; lanes != 0; lanes &= lanes - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(lanes));
        target[chosen++] = SketchHash::at(words + i + shift + sizeof(std::uint32_t) * lane);
      }
    }
  }
  return chosen + chooseWordsPortable(words + i, count - i, target + chosen);
}

}  // namespace packetfs
#endif
