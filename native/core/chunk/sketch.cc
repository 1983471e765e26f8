// See sketch.h.
#include "sketch.h"

#include <algorithm>

#include "../simd/simd.h"
#include "sketch_kernels.h"

namespace packetfs {
namespace {

constexpr std::size_t kHashes = 16;
constexpr std::size_t kHashesOfNumber = kHashes / kSketchNumbers;
constexpr std::size_t kBlockWords = 1024;
/// A vector kernel writes whole vectors.
constexpr std::size_t kSpareWords = 16;
constexpr std::size_t kBytesLeast = 1024;
/// Of as few chosen words two chunks have many in common by chance.
constexpr std::size_t kChosenLeast = 16;

using Lanes = std::uint32_t __attribute__((vector_size(kHashes * sizeof(std::uint32_t))));

constexpr Lanes kMultipliers = {0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0xd3a2646d,
                                0xfd7046c5, 0xb55a4f09, 0x8da6b343, 0xd8163841, 0xcb1ab31f, 0xa2d399c7,
                                0x7feb352d, 0x846ca68b, 0x9e6c63d1, 0xb5297a4d};
constexpr Lanes kAddends = {0x68bc21eb, 0x02e5be93, 0x967a889b, 0x368cc8b7, 0x1b56c4e9, 0x7a8d3c11,
                            0x5bd1e995, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                            0x5be0cd19, 0x6a09e667, 0xbb67ae85, 0x2545f491};

/// Within a function that has an instruction set of its own it is compiled for that.
__attribute__((always_inline)) inline void takeGreatest(const std::uint32_t* words, std::size_t count,
                                                        std::uint32_t* greatest) {
  Lanes most;
  std::memcpy(&most, greatest, sizeof most);
  for (std::size_t i = 0; i < count; i++) {
    const Lanes values = (Lanes{} + words[i]) * kMultipliers + kAddends;
    most = values > most ? values : most;
  }
  std::memcpy(greatest, &most, sizeof most);
}

void takeGreatestPortable(const std::uint32_t* words, std::size_t count, std::uint32_t* greatest) {
  takeGreatest(words, count, greatest);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void takeGreatestAvx2(const std::uint32_t* words, std::size_t count,
                                                      std::uint32_t* greatest) {
  takeGreatest(words, count, greatest);
}

__attribute__((target("avx512f,avx512bw"))) void takeGreatestAvx512(const std::uint32_t* words, std::size_t count,
                                                                    std::uint32_t* greatest) {
  takeGreatest(words, count, greatest);
}
#endif

struct Kernels {
  ChooseWords chooseWords = chooseWordsPortable;
  void (*takeGreatest)(const std::uint32_t* words, std::size_t count, std::uint32_t* greatest) = takeGreatestPortable;
};

Kernels chooseKernels() {
#if defined(__x86_64__)
  if (activeSimd() == Simd::kAvx512) return {chooseWordsAvx512, takeGreatestAvx512};
  if (activeSimd() == Simd::kAvx2) return {chooseWordsAvx2, takeGreatestAvx2};
#endif
  return {};
}

std::uint64_t mixed(std::uint64_t value) {  // the finalizer of SplitMix64 (Steele et al., 2014)
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

}  // namespace

std::optional<Sketch> sketchOf(const std::uint8_t* bytes, std::size_t length) {
  static const Kernels kernels = chooseKernels();
  if (length < kBytesLeast) return std::nullopt;
  std::uint32_t chosen[kBlockWords + kSpareWords];
  std::uint32_t greatest[kHashes] = {};
  std::size_t count = 0;
  const std::size_t words = length - kSketchWordBytes + 1;
  for (std::size_t i = 0; i < words; i += kBlockWords) {
    const std::size_t found = kernels.chooseWords(bytes + i, std::min(kBlockWords, words - i), chosen);
    kernels.takeGreatest(chosen, found, greatest);
    count += found;
  }
  if (count < kChosenLeast) return std::nullopt;
  Sketch sketch{};
  for (std::size_t i = 0; i < kHashes; i++) {
    std::uint64_t& number = sketch[i / kHashesOfNumber];
    number = mixed(number + greatest[i] + i);
  }
  return sketch;
}

}  // namespace packetfs
