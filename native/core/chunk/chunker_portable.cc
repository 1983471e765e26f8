// Kernel of the chunker for any machine: vectors of 16 bytes as the compiler makes them (SSE2, NEON), else scalars.
#include "chunker_kernels.h"

namespace packetfs {

namespace {

using Words = std::uint32_t __attribute__((vector_size(16)));
using SignedWords = std::int32_t __attribute__((vector_size(16)));

/// Signed comparison is what all instruction sets have; it orders values with their highest bit turned over.
constexpr std::uint32_t kHighestBit = 1U << 31;

class PortableKernel {
 public:
  static constexpr std::size_t kStep = 16;

  explicit PortableKernel(CutHash hash) : hash_(hash) {}

  [[nodiscard]] std::uint32_t leastOf(const std::uint8_t* words, std::size_t count) const {
    const Words multiplier = Words{} + hash_.multiplier;
    const Words addend = Words{} + (hash_.addend + kHighestBit);
    SignedWords even = SignedWords{} + INT32_MAX;
    SignedWords odd = even;
    for (std::size_t i = 0; i < count; i += kStep) {
      for (std::size_t shift = 0; shift < sizeof(std::uint32_t); shift += 2) {
        even = lesser(even, (load(words + i + shift) * multiplier) + addend);
        odd = lesser(odd, (load(words + i + shift + 1) * multiplier) + addend);
      }
    }
    const SignedWords least = lesser(even, reinterpret_cast<Words>(odd));
    const std::int32_t lane = std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
    return static_cast<std::uint32_t>(lane) + kHighestBit;
  }

  [[nodiscard]] std::size_t placeOf(const std::uint8_t* words, std::uint32_t value) const {
    std::size_t place = 0;
    while (hash_.before(words + place + sizeof value) != value) place++;
    return place;
  }

 private:
  static Words load(const std::uint8_t* word) {
    Words words;
    std::memcpy(&words, word, sizeof words);
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
      words = (words >> 24) | ((words >> 8) & 0xff00) | ((words << 8) & 0xff0000) | (words << 24);
    }
    return words;
  }

  static SignedWords lesser(SignedWords least, Words values) {
    const auto candidates = reinterpret_cast<SignedWords>(values);
    return candidates < least ? candidates : least;
  }

  CutHash hash_;
};

}  // namespace

std::size_t findMinimumPortable(CutHash hash, const std::uint8_t* bytes, std::size_t first, std::size_t last) {
  return findMinimumInBlocks<PortableKernel>(hash, bytes, first, last);
}

}  // namespace packetfs
