// The chunk index against std::unordered_map, its memory, and what it does with erased and colliding entries.
#include "../../native/core/chunk/chunk_index.h"

#include <unordered_map>

#include "../../native/core/chunk/chunk_index_table.h"
#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr std::size_t kEntries = 2'000'000;

Hash256 hashOf(std::uint64_t number) {
  Hash256 hash{};
  std::uint64_t state = number;
  for (std::size_t i = 0; i < 4; i++) {  // splitmix64
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t word = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
    word ^= word >> 31;
    std::memcpy(hash.data() + 8 * i, &word, 8);
  }
  return hash;
}

bool holds(const ChunkIndex& index, const Hash256& hash, std::uint64_t location) {
  return index.find(hash, [location](std::uint64_t found) { return found == location; });
}

}  // namespace

TEST("two million entries are found, as in std::unordered_map, and strangers almost never") {
  auto random = seededRandom();
  const std::uint64_t base = random();
  ChunkIndex index;
  std::unordered_map<std::uint64_t, std::uint64_t> expected;
  double bytesPerChunk = 0;
  std::size_t samples = 0;
  for (std::uint64_t i = 0; i < kEntries; i++) {
    const std::uint64_t location = random() & ((1ULL << 48) - 1);
    CHECK(index.insert(hashOf(base + i), location));
    expected[base + i] = location;
    if (i >= 100'000 && i % 10'000 == 0) {
      bytesPerChunk += static_cast<double>(index.memoryBytes()) / static_cast<double>(index.size());
      samples++;
    }
  }
  CHECK(index.size() == expected.size() && index.dropped() == 0);
  std::printf("  %.2f bytes a chunk on average\n", bytesPerChunk / static_cast<double>(samples));
  CHECK(bytesPerChunk / static_cast<double>(samples) <= 16.0);
  std::size_t missing = 0;
  for (const auto& [number, location] : expected) missing += !holds(index, hashOf(number), location);
  CHECK(missing == 0);
  std::size_t proposals = 0;
  for (std::uint64_t i = 0; i < kEntries; i++) {
    index.find(hashOf(base + kEntries + i), [&](std::uint64_t) { return proposals++, false; });
  }
  std::printf("  %zu false proposals in %zu probes\n", proposals, kEntries);
  CHECK(proposals < kEntries / 1000);
}

TEST(
    "what is reserved is there at once with some to spare, holds what was there, and takes no more memory than "
    "growing") {
  auto random = seededRandom();
  const std::uint64_t base = random();
  constexpr std::uint64_t kBefore = 50'000;
  constexpr std::uint64_t kAdded = 700'000;
  ChunkIndex index;
  for (std::uint64_t i = 0; i < kBefore; i++) index.insert(hashOf(base + i), i);
  index.reserve(kAdded);
  const std::size_t lines = index.lines();
  for (std::uint64_t i = kBefore; i < kBefore + kAdded; i++) CHECK(index.insert(hashOf(base + i), i));
  CHECK(index.lines() == lines && index.dropped() == 0 && index.size() == kBefore + kAdded);
  std::size_t missing = 0;
  for (std::uint64_t i = 0; i < kBefore + kAdded; i++) missing += !holds(index, hashOf(base + i), i);
  CHECK(missing == 0);
  CHECK(static_cast<double>(index.memoryBytes()) / static_cast<double>(index.size()) < 14.0);
  index.reserve(0);
  for (std::uint64_t i = 1; i <= index.size() / 30; i++) CHECK(index.insert(hashOf(base - i), i));
  CHECK(index.lines() == lines);
}

TEST("erased entries are gone, the others stay, and their slots are used again") {
  auto random = seededRandom();
  const std::uint64_t base = random();
  constexpr std::uint64_t kCount = 200'000;
  ChunkIndex index;
  for (std::uint64_t i = 0; i < kCount; i++) index.insert(hashOf(base + i), i);
  const std::uint64_t memory = index.memoryBytes();
  for (std::uint64_t i = 0; i < kCount; i += 2) index.erase(hashOf(base + i), i);
  index.erase(hashOf(base + 1), 7);  // right hash, other location: nothing happens
  CHECK(index.size() == kCount / 2);
  std::size_t wrong = 0;
  for (std::uint64_t i = 0; i < kCount; i++) wrong += holds(index, hashOf(base + i), i) != (i % 2 == 1);
  CHECK(wrong == 0);
  for (std::uint64_t i = 0; i < kCount; i += 2) index.insert(hashOf(base + i), i);
  CHECK(index.size() == kCount && index.memoryBytes() == memory);
}

TEST("a hash may have several locations, each kept once") {
  ChunkIndex index;
  const Hash256 hash = hashOf(1);
  for (std::uint64_t location : {5U, 6U, 7U, 5U, 6U}) CHECK(index.insert(hash, location));
  CHECK(index.size() == 3);
  std::size_t seen = 0;
  CHECK(!index.find(hash, [&](std::uint64_t) { return seen++, false; }));
  CHECK(seen == 3);
  index.erase(hash, 6);
  CHECK(holds(index, hash, 5) && !holds(index, hash, 6) && holds(index, hash, 7));
}

TEST("more equal hashes than the table can reach are dropped and counted, not lost silently") {
  ChunkIndex index;
  const Hash256 hash = hashOf(2);
  std::uint64_t kept = 0;
  for (std::uint64_t location = 0; location < 200; location++) kept += index.insert(hash, location);
  CHECK(kept == kSlots * (kDisplacementMost + 1));
  CHECK(index.dropped() == 200 - kept && index.size() == kept);
  CHECK(!index.insert(hashOf(3), 1ULL << 48));
}

TEST("with bounded memory it keeps fewer and fewer hashes, and finds all of those") {
  constexpr std::uint64_t kBytesMax = 4U << 20;
  ChunkIndex index(kBytesMax);
  CHECK(index.oneIn() == 1);
  std::uint32_t before = 1;
  for (std::uint64_t i = 0; i < kEntries; i++) {
    CHECK(index.insert(hashOf(i), i));
    CHECK(index.oneIn() == before || index.oneIn() == 2 * before);
    before = index.oneIn();
  }
  CHECK(index.memoryBytes() <= kBytesMax);
  CHECK(index.oneIn() == 8);  // 4 MiB have room for 314,000 at load 0.8
  CHECK(index.dropped() == 0);
  std::uint64_t kept = 0;
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kEntries; i++) {
    kept += index.keeps(hashOf(i)) ? 1 : 0;
    wrong += index.keeps(hashOf(i)) != holds(index, hashOf(i), i) ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(kept == index.size());
  CHECK(kept > kEntries / 8 * 9 / 10 && kept < kEntries / 8 * 11 / 10);
  ChunkIndex reserved(kBytesMax);
  reserved.reserve(kEntries);
  CHECK(reserved.memoryBytes() <= kBytesMax);
}

TEST("the hashes that are kept have homes everywhere, in tables of any size") {
  ChunkIndex index(1);  // the least there is
  for (std::uint64_t i = 0; i < kEntries; i++) index.insert(hashOf(i), i);
  CHECK(index.oneIn() >= 64);
  for (const std::size_t lines :
       {std::size_t{4096}, std::size_t{1} << 20, std::size_t{1} << 24, std::size_t{1} << 28}) {
    std::vector<std::uint32_t> homes(16, 0);
    for (std::uint64_t i = 0; i < kEntries; i++) {
      if (index.keeps(hashOf(i))) homes[ShortHash::of(hashOf(i)).home(lines) % homes.size()]++;
    }
    const std::uint64_t expected = index.size() / homes.size();
    for (const std::uint32_t count : homes) CHECK(count > expected / 2 && count < expected * 2);
  }
}

TEST("a slot and its line give the short hash back, for any number of lines") {
  auto random = seededRandom();
  for (int round = 0; round < 20000; round++) {
    const std::size_t lines = kLinesLeast + random() % (round % 2 == 0 ? 1000 : 1U << 28);
    const ShortHash hash{random() & ((1ULL << kHashBits) - 1)};
    const std::size_t behind = random() % (kDisplacementMost + 1);
    IndexLine line{};
    const std::size_t slot = random() % kSlots;
    line.fill(slot, {hash, 0x123456789abc, behind});
    CHECK(line.hashOf(slot, hash.home(lines) + behind, lines).bits == hash.bits);
    CHECK(line.location(slot) == 0x123456789abc && line.displacement(slot) == behind);
  }
}

int main() { return runTests(); }
