// Sketches: every kernel chooses the same words, chunks that are alike have numbers in common, others have none.
#include "../../native/core/chunk/sketch.h"

#include <algorithm>

#include "../../native/core/blob/similar_chunks.h"
#include "../../native/core/chunk/sketch_kernels.h"
#include "../../native/core/simd/simd.h"
#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

std::vector<ChooseWords> kernels() {
  std::vector<ChooseWords> available;
#if defined(__x86_64__)
  if (isAvailable(Simd::kAvx2)) available.push_back(chooseWordsAvx2);
  if (isAvailable(Simd::kAvx512)) available.push_back(chooseWordsAvx512);
#endif
  return available;
}

std::vector<std::uint32_t> chosenBy(ChooseWords choose, const std::vector<std::uint8_t>& bytes, std::size_t count) {
  std::vector<std::uint32_t> target(count + 16);
  target.resize(choose(bytes.data(), count, target.data()));
  std::ranges::sort(target);
  return target;
}

std::size_t inCommon(const Sketch& left, const Sketch& right) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < left.size(); i++) count += left[i] == right[i] ? 1 : 0;
  return count;
}

}  // namespace

TEST("all kernels choose the same words, and read none but those") {
  auto random = seededRandom();
  for (int round = 0; round < 2000; round++) {
    const std::size_t count = 1 + random() % (round % 20 == 0 ? 20'000 : 300);
    auto bytes = randomBytes(random, count + kSketchWordBytes - 1);
    if (round % 3 == 0) {
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(byte % 2);
    }
    bytes.shrink_to_fit();  // ASan sees any read outside
    const auto expected = chosenBy(chooseWordsPortable, bytes, count);
    for (const ChooseWords choose : kernels()) CHECK(chosenBy(choose, bytes, count) == expected);
  }
}

TEST("a chunk that was changed here and there, or moved a little, has numbers in common with what it was") {
  auto random = seededRandom();
  std::size_t found = 0;
  for (int round = 0; round < 200; round++) {
    const auto bytes = randomBytes(random, 8'000 + random() % 16'000);
    auto changed = bytes;
    changed.erase(changed.begin(), changed.begin() + static_cast<std::ptrdiff_t>(random() % 500));
    for (int i = 0; i < 20; i++) changed[random() % changed.size()] ^= 0x55;
    const auto one = sketchOf(bytes.data(), bytes.size());
    const auto other = sketchOf(changed.data(), changed.size());
    CHECK(one && other);
    found += inCommon(*one, *other) > 0 ? 1 : 0;
  }
  CHECK(found > 190);
}

TEST("chunks that have nothing in common have no number in common; of little or empty ones there is no sketch") {
  auto random = seededRandom();
  for (int round = 0; round < 500; round++) {
    const auto one = randomBytes(random, 8'000);
    const auto other = randomBytes(random, 8'000);
    CHECK(inCommon(*sketchOf(one.data(), one.size()), *sketchOf(other.data(), other.size())) == 0);
  }
  const auto little = randomBytes(random, 1'000);
  CHECK(!sketchOf(little.data(), little.size()));
  CHECK(!sketchOf(little.data(), 0));
}

TEST("of chunks that are alike the one with most in common is found, of several the older, also among many") {
  SimilarChunks chunks;
  CHECK(chunks.isEmpty() && !chunks.find({1, 2, 3, 4}));
  const auto foundAt = [&](const Sketch& sketch) { return chunks.find(sketch).value_or(AddressRange{0, 0}).start; };
  chunks.add({1, 2, 3, 4}, {100, 10});
  chunks.add({1, 20, 30, 40}, {200, 20});
  chunks.add({1, 20, 30, 40}, {200, 20});  // sent again
  CHECK(!chunks.isEmpty() && !chunks.find({5, 6, 7, 8}));
  CHECK(foundAt({1, 6, 7, 8}) == 100 && chunks.find({1, 6, 7, 8})->length == 10);
  CHECK(foundAt({1, 20, 7, 8}) == 200);
  for (std::uint64_t i = 1; i < 100; i++) chunks.add({1, 20, 300 + i, 4}, {1'000 + i, 30});
  CHECK(foundAt({1, 2, 3, 8}) == 100 && foundAt({1, 20, 30, 40}) == 200 && foundAt({1, 20, 399, 4}) == 1'099);
  CHECK(!chunks.find({1 + (std::uint64_t{1} << 32), 6, 7, 8}));  // the same slot
  chunks.add({1 + (std::uint64_t{1} << 32), 6, 7, 8}, {300, 30});
  CHECK(!chunks.find({1, 60, 70, 80}));
}

int main() { return runTests(); }
