// AVX-512 kernel of the chunker: four unaligned loads give the words before 64 consecutive positions.
#if defined(__x86_64__)
// GCC 12 takes _mm512_undefined_epi32 in its own header for a mistake of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "chunker_kernels.h"

#define PFS_TARGET __attribute__((target("avx512f,avx512bw")))

namespace packetfs {

namespace {

constexpr std::size_t kStep = 64;

PFS_TARGET inline __m512i hashAt(const std::uint8_t* word, __m512i multiplier, __m512i addend) {
  const __m512i words = _mm512_loadu_si512(word);
  return _mm512_add_epi32(_mm512_mullo_epi32(words, multiplier), addend);
}

PFS_TARGET std::uint32_t leastOfBlock(const std::uint8_t* words, std::size_t count, __m512i multiplier,
                                      __m512i addend) {
  __m512i even = _mm512_set1_epi32(-1);
  __m512i odd = even;
  for (std::size_t i = 0; i < count; i += kStep) {
    _mm_prefetch(reinterpret_cast<const char*>(words + i + kPrefetchBytes), _MM_HINT_T0);
    even = _mm512_min_epu32(even, hashAt(words + i, multiplier, addend));
    odd = _mm512_min_epu32(odd, hashAt(words + i + 1, multiplier, addend));
    even = _mm512_min_epu32(even, hashAt(words + i + 2, multiplier, addend));
    odd = _mm512_min_epu32(odd, hashAt(words + i + 3, multiplier, addend));
  }
  return _mm512_reduce_min_epu32(_mm512_min_epu32(even, odd));
}

}  // namespace

PFS_TARGET std::size_t findMinimumAvx512(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(hash.multiplier));
  const __m512i addend = _mm512_set1_epi32(static_cast<int>(hash.addend));
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
