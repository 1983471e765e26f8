// Choosing positions for sketches 16 at a time.
#if defined(__x86_64__)
// GCC 12 takes _mm512_undefined_epi32 in its own header for a mistake of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include <bit>

#include "sketch_kernels.h"

namespace packetfs {

__attribute__((target("avx512f,avx512bw"))) std::size_t chooseWordsAvx512(const std::uint8_t* words, std::size_t count,
                                                                          std::uint32_t* target) {
  constexpr std::size_t kStep = 64;
  const __m512i first = _mm512_set1_epi32(static_cast<int>(SketchHash::kFirst));
  const __m512i second = _mm512_set1_epi32(static_cast<int>(SketchHash::kSecond));
  const __m512i zeroBits = _mm512_set1_epi32(static_cast<int>(~std::uint32_t{0} << (32 - kSketchZeroBits)));
  const __m512i one = _mm512_set1_epi32(1);
  std::size_t chosen = 0;
  std::size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    for (std::size_t shift = 0; shift < sizeof(std::uint32_t); shift++) {
      const std::uint8_t* const word = words + i + shift;
      const __m512i low = _mm512_mullo_epi32(_mm512_loadu_si512(word), first);
      const __m512i high = _mm512_mullo_epi32(_mm512_loadu_si512(word + sizeof(std::uint32_t)), second);
      const __m512i hashes = _mm512_add_epi32(low, high);
      const __mmask16 isChosen = _mm512_testn_epi32_mask(_mm512_sub_epi32(hashes, one), zeroBits);
      _mm512_storeu_si512(target + chosen, _mm512_maskz_compress_epi32(isChosen, hashes));
      chosen += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(isChosen)));
    }
  }
  return chosen + chooseWordsPortable(words + i, count - i, target + chosen);
}

}  // namespace packetfs
#endif
