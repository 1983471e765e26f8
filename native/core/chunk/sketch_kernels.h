// Choosing positions for sketches, one function per instruction set; sketch.cc takes the best. All choose the same.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace packetfs {

/// Bytes that a word has.
constexpr std::size_t kSketchWordBytes = 8;
/// Of a word's hash, less one, so many bits are zero where it is chosen: one in 32, and none in a run of zeros.
constexpr unsigned kSketchZeroBits = 5;

struct SketchHash {
  static constexpr std::uint32_t kFirst = 0x9e3779b1;
  static constexpr std::uint32_t kSecond = 0x85ebca77;

  static std::uint32_t at(const std::uint8_t* word) {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    std::memcpy(&first, word, sizeof first);
    std::memcpy(&second, word + sizeof first, sizeof second);
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
      first = __builtin_bswap32(first);
      second = __builtin_bswap32(second);
    }
    return first * kFirst + second * kSecond;
  }
};

/// Appends the hashes of the chosen ones of `count` words that begin at consecutive bytes to `target`, which has room
/// for all; returns how many. The order is the function's own.
using ChooseWords = std::size_t (*)(const std::uint8_t* words, std::size_t count, std::uint32_t* target);

inline std::size_t chooseWordsPortable(const std::uint8_t* words, std::size_t count, std::uint32_t* target) {
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < count; i++) {
    target[chosen] = SketchHash::at(words + i);
    chosen += (target[chosen] - 1) >> (32 - kSketchZeroBits) == 0 ? 1 : 0;
  }
  return chosen;
}

#if defined(__x86_64__)
std::size_t chooseWordsAvx2(const std::uint8_t* words, std::size_t count, std::uint32_t* target);
std::size_t chooseWordsAvx512(const std::uint8_t* words, std::size_t count, std::uint32_t* target);
#endif

}  // namespace packetfs
