// AVX2 kernel of the chunker: 64 bytes, by loads that cross no line and by shifts, give the words before 64 positions.
#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>

#include "chunker_kernels.h"

#define PFS_TARGET __attribute__((target("avx2")))

namespace packetfs {

namespace {

PFS_TARGET inline std::uint32_t leastLane(__m256i values) {
  __m128i half = _mm_min_epu32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(half));
}

constexpr std::size_t kHalfStep = 32;

class Avx2Kernel {
 public:
  static constexpr std::size_t kStep = 64;

  PFS_TARGET explicit Avx2Kernel(CutHash hash)
      : multiplier_(_mm256_set1_epi32(static_cast<int>(hash.multiplier))),
        addend_(_mm256_set1_epi32(static_cast<int>(hash.addend))) {}

  [[nodiscard]] PFS_TARGET std::uint32_t leastOf(const std::uint8_t* words, std::size_t count) const {
    __m256i least[2] = {_mm256_set1_epi32(-1), _mm256_set1_epi32(-1)};
    __m256i bytes = load(words);
    const std::uint8_t* const last = words + count - kStep;
    for (; words < last; words += kStep) {
      _mm_prefetch(reinterpret_cast<const char*>(words + kPrefetchBytes), _MM_HINT_T0);
      const __m256i middle = load(words + kHalfStep);
      const __m256i next = load(words + kStep);
      least[0] = _mm256_min_epu32(least[0], hashOf(bytes));
      least[1] = _mm256_min_epu32(least[1], hashOf(load(words + 1)));
      least[0] = _mm256_min_epu32(least[0], hashOf(load(words + 2)));
      least[1] = _mm256_min_epu32(least[1], hashOf(load(words + 3)));
      takeHalf(least, middle, next);
      bytes = next;
    }
    takeHalf(least, bytes, load(last + kHalfStep));
    for (std::size_t shift = 0; shift < sizeof(std::uint32_t); shift++) {
      least[0] = _mm256_min_epu32(least[0], hashOf(load(last + kHalfStep + shift)));
    }
    return leastLane(_mm256_min_epu32(least[0], least[1]));
  }

  [[nodiscard]] PFS_TARGET std::size_t placeOf(const std::uint8_t* words, std::uint32_t value) const {
    const __m256i wanted = _mm256_set1_epi32(static_cast<int>(value));
    for (std::size_t i = 0;; i += kHalfStep) {
      std::size_t place = kHalfStep;
      for (std::size_t shift = 0; shift < sizeof value; shift++) {
        const __m256i equal = _mm256_cmpeq_epi32(hashOf(load(words + i + shift)), wanted);
        const auto lanes = static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
        if (lanes != 0)
          place = std::min(place, shift + sizeof value * static_cast<std::size_t>(std::countr_zero(lanes)));
      }
      if (place < kHalfStep) return i + place;
    }
  }

 private:
  PFS_TARGET static __m256i load(const std::uint8_t* word) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
  }

  PFS_TARGET void takeHalf(__m256i (&least)[2], __m256i bytes, __m256i next) const {
    const __m256i behind = _mm256_permute2x128_si256(bytes, next, 0x21);  // the 16 bytes behind each 16 of `bytes`
    least[0] = _mm256_min_epu32(least[0], hashOf(bytes));
    least[1] = _mm256_min_epu32(least[1], hashOf(_mm256_alignr_epi8(behind, bytes, 1)));
    least[0] = _mm256_min_epu32(least[0], hashOf(_mm256_alignr_epi8(behind, bytes, 2)));
    least[1] = _mm256_min_epu32(least[1], hashOf(_mm256_alignr_epi8(behind, bytes, 3)));
  }

  [[nodiscard]] PFS_TARGET __m256i hashOf(__m256i words) const {
    return _mm256_add_epi32(_mm256_mullo_epi32(words, multiplier_), addend_);
  }

  __m256i multiplier_;
  __m256i addend_;
};

}  // namespace

std::size_t findMinimumAvx2(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  return findMinimumInBlocks<Avx2Kernel>(hash, bytes, first, last);
}

}  // namespace packetfs
#endif
