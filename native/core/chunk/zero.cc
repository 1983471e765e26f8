// isZero (hash.h): or-ing wide words, left early at the first block that is not zero.
#include <cstring>

#include "../simd/simd.h"
#include "hash.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace packetfs {

namespace {

bool isZeroPortable(const std::uint8_t* bytes, std::size_t length) {
  constexpr std::size_t kBlock = 64;
  for (; length >= kBlock; bytes += kBlock, length -= kBlock) {
    std::uint64_t words[kBlock / 8];
    std::memcpy(words, bytes, kBlock);
    std::uint64_t any = 0;
    for (const std::uint64_t word : words) any |= word;
    if (any != 0) return false;
  }
  for (; length > 0; bytes++, length--) {
    if (*bytes != 0) return false;
  }
  return true;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) bool isZeroAvx2(const std::uint8_t* bytes, std::size_t length) {
  constexpr std::size_t kBlock = 128;
  for (; length >= kBlock; bytes += kBlock, length -= kBlock) {
    const auto* words = reinterpret_cast<const __m256i*>(bytes);
    const __m256i front = _mm256_or_si256(_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1));
    const __m256i back = _mm256_or_si256(_mm256_loadu_si256(words + 2), _mm256_loadu_si256(words + 3));
    const __m256i any = _mm256_or_si256(front, back);
    if (_mm256_testz_si256(any, any) == 0) return false;
  }
  return isZeroPortable(bytes, length);
}

__attribute__((target("avx512f,avx512bw"))) bool isZeroAvx512(const std::uint8_t* bytes, std::size_t length) {
  constexpr std::size_t kBlock = 256;
  for (; length >= kBlock; bytes += kBlock, length -= kBlock) {
    const __m512i front = _mm512_or_si512(_mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes + 64));
    const __m512i back = _mm512_or_si512(_mm512_loadu_si512(bytes + 128), _mm512_loadu_si512(bytes + 192));
    const __m512i any = _mm512_or_si512(front, back);
    if (_mm512_test_epi32_mask(any, any) != 0) return false;
  }
  return isZeroPortable(bytes, length);
}

#endif

using IsZero = bool (*)(const std::uint8_t* bytes, std::size_t length);

IsZero chooseIsZero() {
  switch (activeSimd()) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return isZeroAvx512;
    case Simd::kAvx2:
      return isZeroAvx2;
#endif
    default:
      return isZeroPortable;
  }
}

}  // namespace

bool isZero(const std::uint8_t* bytes, std::size_t length) {
  static const IsZero chosen = chooseIsZero();
  return chosen(bytes, length);
}

}  // namespace packetfs
