// The chunker: every kernel against the definition, and the rules at the edges.
#include "../../native/core/chunk/chunker.h"

#include "../../native/core/chunk/chunker_kernels.h"
#include "../../native/core/simd/simd.h"
#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

const std::vector<std::pair<const char*, FindMinimum>>& kernels() {
  static const std::vector<std::pair<const char*, FindMinimum>> all = [] {
    std::vector<std::pair<const char*, FindMinimum>> available = {{"portable", findMinimumPortable}};
#if defined(__x86_64__)
    if (isAvailable(Simd::kAvx2)) available.emplace_back("avx2", findMinimumAvx2);
    if (isAvailable(Simd::kAvx512)) available.emplace_back("avx512", findMinimumAvx512);
#endif
    return available;
  }();
  return all;
}

/// The definition, word for word.
std::size_t earliestMinimum(CutHash hash, const std::vector<std::uint8_t>& bytes, std::size_t first, std::size_t last) {
  std::size_t best = first;
  std::uint32_t least = 0;
  for (std::size_t i = first; i <= last; i++) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 4; k++) word |= static_cast<std::uint32_t>(bytes[i - 4 + k]) << (8 * k);
    const std::uint32_t value = word * hash.multiplier + hash.addend;
    if (i == first || value < least) {
      best = i;
      least = value;
    }
  }
  return best;
}

}  // namespace

TEST("all kernels find the earliest minimum, whatever the range and its alignment") {
  auto random = seededRandom();
  for (int round = 0; round < 4000; round++) {
    // few distinct bytes make ties frequent; the exact allocation lets ASan see any read outside
    const std::size_t length = 4 + random() % (round % 10 == 0 ? 30000 : 700);
    auto bytes = randomBytes(random, length);
    if (round % 3 != 0) {
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(byte % (1 + round % 4));
    }
    bytes.shrink_to_fit();
    const CutHash hash{static_cast<std::uint32_t>(random()) | 1, static_cast<std::uint32_t>(random())};
    const std::size_t first = 4 + random() % (length - 3);
    const std::size_t last = first + random() % (length - first + 1);
    const std::size_t expected = earliestMinimum(hash, bytes, first, last);
    for (const auto& [name, find] : kernels()) CHECK(find(hash, bytes.data(), first, last) == expected);
  }
}

TEST("a minimum of 2^32 - 1 everywhere cuts at the first position") {
  const std::vector<std::uint8_t> bytes(3000, 0xff);  // LE32 = 2^32 - 1; times 1, plus 0
  for (const auto& [name, find] : kernels()) CHECK(find({1, 0}, bytes.data(), 100, 3000) == 100);
}

TEST("chunks lie between minimum and maximum, the last one excepted, and cover the input") {
  auto random = seededRandom();
  const ChunkerParameters parameters{8192, 24576, 0x9e3779b1, 12345};
  for (const std::size_t length : {0UL, 1UL, 8192UL, 8193UL, 24576UL, 24577UL, 1000000UL}) {
    const auto bytes = randomBytes(random, length);
    const auto ends = cutAll(parameters, bytes.data(), length);
    std::size_t start = 0;
    for (std::size_t i = 0; i < ends.size(); i++) {
      const std::size_t chunk = ends[i] - start;
      CHECK(chunk <= parameters.maximum);
      CHECK(chunk >= parameters.minimum || i + 1 == ends.size());
      start = ends[i];
    }
    CHECK(start == length);
    CHECK(length > 8192 || ends.size() == (length > 0 ? 1U : 0U));
  }
}

TEST("an edit moves only the cuts near it") {
  auto random = seededRandom();
  const ChunkerParameters parameters{8192, 24576, 0x9e3779b1, 12345};
  auto bytes = randomBytes(random, 4 << 20);
  const auto before = cutAll(parameters, bytes.data(), bytes.size());
  bytes.insert(bytes.begin() + 1000, {1, 2, 3, 4, 5, 6, 7});
  const auto after = cutAll(parameters, bytes.data(), bytes.size());
  std::size_t same = 0;
  for (const std::uint32_t end : after) {
    for (const std::uint32_t old : before) same += end == old + 7;
  }
  CHECK(same > before.size() * 8 / 10);
}

TEST("parameters out of range are refused") {
  CHECK(validate({8192, 24576, 3, 0}).ok());
  CHECK(validate({8192, 24576, 2, 0}).error == EINVAL);
  CHECK(validate({8192, 8192, 3, 0}).error == EINVAL);
  CHECK(validate({63, 8192, 3, 0}).error == EINVAL);
  CHECK(validate({8192, (1U << 20) + 1, 3, 0}).error == EINVAL);
}

int main() { return runTests(); }
