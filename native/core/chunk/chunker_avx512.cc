// AVX-512 kernel of the chunker: 64 bytes and those behind them, shifted, give the words before 64 positions.
#if defined(__x86_64__)
// GCC 12 takes _mm512_undefined_epi32 in its own header for a mistake of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include <bit>

#include "chunker_kernels.h"

#define PFS_TARGET __attribute__((target("avx512f,avx512bw")))

namespace packetfs {

namespace {

class Avx512Kernel {
 public:
  static constexpr std::size_t kStep = 64;

  PFS_TARGET explicit Avx512Kernel(CutHash hash)
      : multiplier_(_mm512_set1_epi32(static_cast<int>(hash.multiplier))),
        addend_(_mm512_set1_epi32(static_cast<int>(hash.addend))) {}

  [[nodiscard]] PFS_TARGET std::uint32_t leastOf(const std::uint8_t* words, std::size_t count) const {
    __m512i even = _mm512_set1_epi32(-1);
    __m512i odd = even;
    __m512i bytes = _mm512_loadu_si512(words);
    const std::uint8_t* const last = words + count - kStep;
    for (; words < last; words += kStep) {
      _mm_prefetch(reinterpret_cast<const char*>(words + kPrefetchBytes), _MM_HINT_T0);
      const __m512i next = _mm512_loadu_si512(words + kStep);
      const __m512i quarters = _mm512_alignr_epi32(next, bytes, 4);  // the 16 bytes behind each 16 of `bytes`
      even = _mm512_min_epu32(even, hashOf(bytes));
      odd = _mm512_min_epu32(odd, hashOf(_mm512_alignr_epi8(quarters, bytes, 1)));
      even = _mm512_min_epu32(even, hashOf(_mm512_alignr_epi8(quarters, bytes, 2)));
      odd = _mm512_min_epu32(odd, hashOf(_mm512_alignr_epi8(quarters, bytes, 3)));
      bytes = next;
    }
    even = _mm512_min_epu32(even, hashOf(bytes));
    odd = _mm512_min_epu32(odd, hashOf(_mm512_loadu_si512(last + 1)));
    even = _mm512_min_epu32(even, hashOf(_mm512_loadu_si512(last + 2)));
    odd = _mm512_min_epu32(odd, hashOf(_mm512_loadu_si512(last + 3)));
    return _mm512_reduce_min_epu32(_mm512_min_epu32(even, odd));
  }

  [[nodiscard]] PFS_TARGET std::size_t placeOf(const std::uint8_t* words, std::uint32_t value) const {
    const __m512i wanted = _mm512_set1_epi32(static_cast<int>(value));
    for (std::size_t i = 0;; i += kStep) {
      std::size_t place = kStep;
      for (std::size_t shift = 0; shift < sizeof value; shift++) {
        const std::uint32_t lanes = _mm512_cmpeq_epi32_mask(hashOf(_mm512_loadu_si512(words + i + shift)), wanted);
        if (lanes != 0)
          place = std::min(place, shift + sizeof value * static_cast<std::size_t>(std::countr_zero(lanes)));
      }
      if (place < kStep) return i + place;
    }
  }

 private:
  [[nodiscard]] PFS_TARGET __m512i hashOf(__m512i words) const {
    return _mm512_add_epi32(_mm512_mullo_epi32(words, multiplier_), addend_);
  }

  __m512i multiplier_;
  __m512i addend_;
};

}  // namespace

std::size_t findMinimumAvx512(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  return findMinimumInBlocks<Avx512Kernel>(hash, bytes, first, last);
}

}  // namespace packetfs
#endif
