// The content store against a model in memory: random writes, truncates, punches, copies, ingests and takes, checked by
// reads, by seeks and by what the patches add up to.
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "../../native/core/content/content_store.h"
#include "../../native/core/content/extent_map.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr InodeNumber kInode = 1ULL << 48 | 7;
constexpr std::uint64_t kModelBytes = 600'000;

struct Model {
  std::vector<std::uint8_t> bytes{};
  void write(std::uint64_t offset, const std::vector<std::uint8_t>& data) {
    if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void zero(std::uint64_t start, std::uint64_t end) {
    end = std::min<std::uint64_t>(end, bytes.size());
    if (start < end) {
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                0);
    }
  }
};

/// What a volume would hold from the patches.
struct Committed {
  std::uint64_t size = 0;
  ExtentMap extents{};
  void apply(const ContentPatch& patch) {
    size = patch.size;
    extents.truncate(size);
    for (const auto& range : patch.ranges) {
      std::uint64_t position = range.offset;
      for (const Extent& extent : range.extents) {
        CHECK(extent.fileOffset == position && extent.length > 0);
        position += extent.length;
      }
      CHECK(position == range.offset + range.length && position <= size);
      extents.replace({{range.offset, range.offset + range.length}}, range.extents);
    }
  }
};

std::vector<std::uint8_t> readAll(ContentStore& store, InodeNumber inode, std::size_t room) {
  std::vector<std::uint8_t> bytes(room);
  auto count = store.read(inode, 0, bytes.data(), bytes.size());
  CHECK(count.ok());
  bytes.resize(count.value);
  return bytes;
}

/// Whether the content is found in files below; if so, it must be what the model has.
bool isLocated(std::mt19937_64& random, ContentStore& store, InodeNumber inode, const Model& model) {
  const std::uint64_t offset = random() % kModelBytes;
  const std::uint64_t length = 1 + random() % 50'000;
  std::vector<StoredRun> runs;
  const auto located = store.locateCached(inode, offset, length, 4, runs);
  if (!located) return false;
  CHECK(offset < model.bytes.size() && *located == std::min<std::uint64_t>(length, model.bytes.size() - offset));
  const auto from = model.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  CHECK(bytesOfRuns(runs) == std::vector<std::uint8_t>(from, from + static_cast<std::ptrdiff_t>(*located)));
  return true;
}

std::vector<std::uint8_t> someBytes(std::mt19937_64& random, std::size_t length) {
  if (random() % 5 == 0) return std::vector<std::uint8_t>(length, 0);
  return randomBytes(random, length);
}

std::uint64_t someLength(std::mt19937_64& random) {
  const std::uint64_t limits[] = {10, 5000, 40'000, 200'000};
  return 1 + random() % limits[random() % 4];
}

/// Returns how often the content was found in files below.
int randomSteps(std::mt19937_64& random, ContentStore& store, Blob& blob, InodeNumber inode, int steps) {
  int located = 0;
  Model model;
  Committed committed;
  for (int step = 0; step < steps; step++) {
    const std::uint64_t offset = random() % kModelBytes;
    const std::uint64_t length = someLength(random);
    switch (random() % 12) {
      case 0: {
        const std::uint64_t size = random() % kModelBytes;
        CHECK(store.truncate(inode, size).ok());
        model.bytes.resize(size);
        break;
      }
      case 1:
        CHECK(store.allocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length).ok());
        model.zero(offset, offset + length);
        break;
      case 2:
        CHECK(store.allocate(inode, FALLOC_FL_ZERO_RANGE, offset, length).ok());
        model.zero(offset, offset + length);
        if (model.bytes.size() < offset + length) model.bytes.resize(offset + length);
        break;
      case 3:
        CHECK(store.ingest(inode).ok());
        break;
      case 4: {
        ContentPatch patch;
        if (random() % 2 == 0) CHECK(store.ingest(inode).ok());
        if (store.takePatch(inode, patch).value) committed.apply(patch);
        break;
      }
      case 5: {
        const std::uint64_t to = random() % kModelBytes;
        auto copied = store.copyRange(inode, offset, inode, to, length);
        const std::uint64_t expected =
            offset >= model.bytes.size() ? 0 : std::min<std::uint64_t>(length, model.bytes.size() - offset);
        if (expected > 0 && offset < to + expected && to < offset + expected) {
          CHECK(copied.status.error == EINVAL);
        } else {
          CHECK(copied.ok() && copied.value == expected);
          const auto from = model.bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, model.bytes.size()));
          if (expected > 0) model.write(to, {from, from + static_cast<std::ptrdiff_t>(expected)});
        }
        break;
      }
      default: {
        const std::uint64_t at = random() % 3 == 0 ? model.bytes.size() % kModelBytes : offset;
        const auto bytes = someBytes(random, length);
        CHECK(store.write(inode, at, bytes.data(), bytes.size()).ok());
        model.write(at, bytes);
      }
    }
    if (step % 8 == 0) CHECK(readAll(store, inode, 2 * kModelBytes) == model.bytes);
    located += isLocated(random, store, inode, model) ? 1 : 0;
    auto state = store.state(inode);
    CHECK(state.ok() && state.value.size == model.bytes.size());
    if (!model.bytes.empty()) {
      const std::uint64_t from = random() % model.bytes.size();
      auto hole = store.seek(inode, from, SEEK_HOLE);
      CHECK(hole.ok() && hole.value >= from && hole.value <= model.bytes.size());
      CHECK(hole.value == from || hole.value == model.bytes.size() || hole.value % 4096 == 0);
      auto data = store.seek(inode, from, SEEK_DATA);
      CHECK(data.ok() || data.status.error == ENXIO);
      const std::uint64_t dataStart = data.ok() ? data.value : model.bytes.size();
      const auto begin = model.bytes.begin();
      CHECK(std::all_of(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(dataStart),
                        [](std::uint8_t byte) { return byte == 0; }));
    }
  }
  CHECK(store.ingest(inode).ok());
  ContentPatch patch;
  if (store.takePatch(inode, patch).value) committed.apply(patch);
  CHECK(!store.takePatch(inode, patch).value);
  CHECK(!store.state(inode).value.dirty);
  CHECK(committed.size == model.bytes.size());
  const ExtentList& list = committed.extents.list();
  CHECK(readBack(blob, list, model.bytes.size()) == model.bytes);
  CHECK(readAll(store, inode, 2 * kModelBytes) == model.bytes);
  return located;
}

}  // namespace

TEST("random changes read as in the model, and patches add up to it") {
  auto random = seededRandom();
  for (int round = 0; round < 6; round++) {
    Scratch scratch;
    auto [blob, segments] = openBlob(scratch.path());
    // In every other round nearly each appending write begins a flight.
    auto store = ContentStore::create(blob, round % 3 == 0 ? 300'000 : 256 << 20, round % 2 == 0 ? 20'000 : 1 << 20);
    store->open(kInode, 0, {});
    CHECK(randomSteps(random, *store, *blob, kInode, 300) > 0);
    CHECK(store->dirtyBytes() == 0);
    store->close(kInode);
    CHECK(!store->isOpen(kInode));
  }
}

TEST("threads on their own inodes under a small memory bound stay apart, and the bound holds") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  constexpr std::uint64_t kBound = 500'000;
  auto store = ContentStore::create(blob, kBound, 30'000);
  std::vector<std::thread> threads;
  for (InodeNumber inode = 1; inode <= 4; inode++) {
    threads.emplace_back([&, blob = blob, inode, seed = random()] {
      std::mt19937_64 own(seed);
      store->open(inode, 0, {});
      randomSteps(own, *store, *blob, inode, 150);
      CHECK(store->dirtyBytes() <= kBound + 4 * 200'000);
      store->close(inode);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(store->dirtyBytes() == 0);
}

TEST("readers of one inode see each write as a whole while it is ingested and taken") {
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 64 << 20);
  constexpr std::size_t kBytes = 100'000;
  store->open(kInode, 0, {});
  std::vector<std::uint8_t> page(kBytes, 1);
  CHECK(store->write(kInode, 0, page.data(), kBytes).ok());
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 2; reader++) {
    threads.emplace_back([&] {
      std::vector<std::uint8_t> seen(kBytes);
      while (!done) {
        auto count = store->read(kInode, 0, seen.data(), kBytes);
        CHECK(count.ok() && count.value == kBytes);
        CHECK(std::all_of(seen.begin(), seen.end(), [&](std::uint8_t byte) { return byte == seen[0]; }));
      }
    });
  }
  threads.emplace_back([&] {
    ContentPatch patch;
    while (!done) {
      CHECK(store->ingest(kInode).ok());
      (void)store->takePatch(kInode, patch).value;
    }
  });
  for (int round = 0; round < 200; round++) {
    std::fill(page.begin(), page.end(), static_cast<std::uint8_t>(round % 250 + 1));
    CHECK(store->write(kInode, 0, page.data(), kBytes).ok());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(readAll(*store, kInode, 2 * kBytes) == page);
}

TEST("a long stream reads back while it flies, and after being written over in flight") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 64 << 20, 100'000);
  store->open(kInode, 0, {});
  Model model;
  Committed committed;
  ContentPatch patch;
  for (int step = 0; step < 300; step++) {
    const auto bytes = someBytes(random, 1 + random() % 70'000);
    CHECK(store->write(kInode, model.bytes.size(), bytes.data(), bytes.size()).ok());
    model.write(model.bytes.size(), bytes);
    if (random() % 8 == 0) {  // not far from the end, where a run may fly
      const std::uint64_t at = model.bytes.size() - std::min<std::uint64_t>(model.bytes.size(), random() % 300'000);
      const auto over = someBytes(random, 1 + random() % 9'000);
      CHECK(store->write(kInode, at, over.data(), over.size()).ok());
      model.write(at, over);
    }
    if (random() % 16 == 0 && store->takePatch(kInode, patch).value) committed.apply(patch);
    if (step % 8 == 0) CHECK(readAll(*store, kInode, model.bytes.size() + 1) == model.bytes);
  }
  CHECK(store->ingest(kInode).ok());
  if (store->takePatch(kInode, patch).value) committed.apply(patch);
  CHECK(store->dirtyBytes() == 0);
  CHECK(readBack(*blob, committed.extents.list(), model.bytes.size()) == model.bytes);
  store->close(kInode);
}

TEST("a stream into a blob that fails is told so by a later write, and keeps what it took") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 64 << 20, 100'000);
  store->open(kInode, 0, {});
  blob->close();
  Model model;
  Status status = Status::success();
  for (int step = 0; step < 100 && status.ok(); step++) {
    const auto bytes = randomBytes(random, 30'000);
    status = store->write(kInode, model.bytes.size(), bytes.data(), bytes.size());
    if (status.ok()) model.write(model.bytes.size(), bytes);
  }
  CHECK(status.error == EBADF);
  CHECK(model.bytes.size() <= 3 * 100'000);
  CHECK(store->state(kInode).value.size == model.bytes.size());
  CHECK(readAll(*store, kInode, 4 * 100'000) == model.bytes);
  CHECK(store->ingest(kInode).error == EBADF);
  store->close(kInode);
  CHECK(store->dirtyBytes() == 0);
}

int main() { return runTests(); }
