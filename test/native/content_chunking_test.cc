// Chunks do not depend on how a file was written; small changes of large files store little; edges of the interface.
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>

#include "../../native/core/chunk/chunker.h"
#include "../../native/core/content/content_store.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr InodeNumber kInode = 42;

ExtentList wholePatch(ContentStore& store, InodeNumber inode, std::uint64_t size) {
  ContentPatch patch;
  CHECK(store.ingest(inode).ok());
  CHECK(store.takePatch(inode, patch).value);
  CHECK(patch.size == size);
  ExtentList extents;
  for (const auto& range : patch.ranges) extents.insert(extents.end(), range.extents.begin(), range.extents.end());
  return extents;
}

}  // namespace

TEST("a file written in order has the chunks of cutAll, whatever the sizes of the writes") {
  auto random = seededRandom();
  const auto bytes = randomBytes(random, 21'000'000);
  const auto expected = cutAll(blobOptions("").chunker, bytes.data(), bytes.size());
  for (const std::size_t writeMost : {std::size_t{4097}, std::size_t{131'072}, std::size_t{3'000'000}}) {
    Scratch scratch;
    auto [blob, segments] = openBlob(scratch.path());
    auto store = ContentStore::create(blob, 256 << 20);
    store->open(kInode, 0, {});
    for (std::size_t offset = 0; offset < bytes.size();) {
      const std::size_t length = std::min(bytes.size() - offset, 1 + random() % writeMost);
      CHECK(store->write(kInode, offset, bytes.data() + offset, length).ok());
      offset += length;
    }
    CHECK(store->dirtyBytes() < 9'000'000);  // it went to the blob on the way
    const ExtentList extents = wholePatch(*store, kInode, bytes.size());
    CHECK(chunkEnds(*blob, extents) == expected);
    CHECK(blob->totals().appendedBytes == bytes.size());
  }
}

TEST("versions made between large appends, and requests out of order, leave the chunks of cutAll") {
  auto random = seededRandom();
  const auto bytes = randomBytes(random, 12'000'000);
  const auto expected = cutAll(blobOptions("").chunker, bytes.data(), bytes.size());
  for (const bool versions : {true, false}) {
    Scratch scratch;
    auto [blob, segments] = openBlob(scratch.path());
    auto store = ContentStore::create(blob, 256 << 20);
    store->open(kInode, 0, {});
    constexpr std::size_t kPiece = 100'000;
    for (std::size_t offset = 0; offset < bytes.size(); offset += 3 * kPiece) {
      for (const std::size_t piece :
           versions ? std::array<std::size_t, 3>{0, 1, 2} : std::array<std::size_t, 3>{0, 2, 1}) {
        const std::size_t start = offset + piece * kPiece;
        CHECK(store->write(kInode, start, bytes.data() + start, kPiece).ok());
        if (versions) CHECK(store->ingest(kInode).ok());
      }
    }
    const ExtentList extents = wholePatch(*store, kInode, bytes.size());
    CHECK(chunkEnds(*blob, extents) == expected);
  }
}

TEST("a small write into a large file stores about a chunk and patches only its neighbourhood") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 256 << 20);
  auto bytes = randomBytes(random, 8'000'000);
  store->open(kInode, 0, {});
  CHECK(store->write(kInode, 0, bytes.data(), bytes.size()).ok());
  (void)wholePatch(*store, kInode, bytes.size());
  for (int round = 0; round < 20; round++) {
    const std::size_t offset = random() % (bytes.size() - 100);
    const auto small = randomBytes(random, 100);
    std::copy(small.begin(), small.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    const auto before = blob->totals().appendedBytes;
    CHECK(store->write(kInode, offset, small.data(), small.size()).ok());
    CHECK(store->ingest(kInode).ok());
    CHECK(blob->totals().appendedBytes - before <= 2 * 24'576);
    ContentPatch patch;
    CHECK(store->takePatch(kInode, patch).value && patch.ranges.size() == 1 && patch.ranges[0].length <= 2 * 24'576);
    CHECK(patch.ranges[0].offset <= offset && patch.ranges[0].offset + patch.ranges[0].length >= offset + 100);
  }
  std::vector<std::uint8_t> read(bytes.size());
  CHECK(store->read(kInode, 0, read.data(), read.size()).value == bytes.size());
  CHECK(read == bytes);
}

TEST("a thousand short appends, each made a version, do not store the file again and again") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 256 << 20);
  store->open(kInode, 0, {});
  std::vector<std::uint8_t> all;
  for (int line = 0; line < 1000; line++) {
    const auto bytes = randomBytes(random, 60);
    CHECK(store->write(kInode, all.size(), bytes.data(), bytes.size()).ok());
    all.insert(all.end(), bytes.begin(), bytes.end());
    CHECK(store->ingest(kInode).ok());
  }
  CHECK(blob->totals().appendedBytes < 12 * all.size());
  const ExtentList extents = wholePatch(*store, kInode, all.size());
  CHECK(readBack(*blob, extents, all.size()) == all);
}

TEST("a copied range refers to the same chunks and moves no bytes, also from bytes that were dirty") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 256 << 20);
  const auto bytes = randomBytes(random, 1'000'000);
  store->open(1, 0, {});
  store->open(2, 0, {});
  CHECK(store->write(1, 0, bytes.data(), bytes.size()).ok());
  auto copied = store->copyRange(1, 1000, 2, 5, 10'000'000);
  CHECK(copied.ok() && copied.value == bytes.size() - 1000);
  CHECK(blob->totals().appendedBytes == bytes.size());
  std::vector<std::uint8_t> read(bytes.size());
  CHECK(store->read(2, 5, read.data(), read.size()).value == bytes.size() - 1000);
  CHECK(std::equal(bytes.begin() + 1000, bytes.end(), read.begin()));
  CHECK(store->copyRange(1, bytes.size(), 2, 0, 5).value == 0);
  CHECK(store->copyRange(1, 0, 2, INT64_MAX, 5).status.error == EFBIG);
  CHECK(store->copyRange(1, 0, 9, 0, 5).status.error == EBADF);
}

TEST("a write after an ingest stays dirty for the next patch, and the size does not run ahead of the bytes") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 256 << 20);
  const auto bytes = randomBytes(random, 50'000);
  store->open(kInode, 0, {});
  CHECK(store->write(kInode, 0, bytes.data(), bytes.size()).ok());
  CHECK(store->ingest(kInode).ok());
  CHECK(store->write(kInode, bytes.size(), bytes.data(), 100).ok());
  ContentPatch patch;
  CHECK(store->takePatch(kInode, patch).value && patch.size == bytes.size() && patch.modifiedNs != 0);
  CHECK(store->state(kInode).value.dirty && store->state(kInode).value.modifiedNs != 0);
  CHECK(store->dirtyInodes() == std::vector<InodeNumber>{kInode});
  CHECK(!store->takePatch(kInode, patch).value);
  CHECK(store->ingest(kInode).ok());
  CHECK(store->takePatch(kInode, patch).value && patch.size == bytes.size() + 100);
  CHECK(store->state(kInode).value.modifiedNs == 0 && store->dirtyInodes().empty());
}

TEST("a remote version replaces the base, local bytes that nobody took stay on top") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 256 << 20);
  const auto remote = randomBytes(random, 100'000);
  auto extents = blob->ingest(0, remote.data(), remote.size());
  CHECK(extents.ok());
  store->open(kInode, 0, {});
  const auto local = randomBytes(random, 1000);
  CHECK(store->write(kInode, 0, local.data(), 1000).ok());
  CHECK(store->ingest(kInode).ok());
  CHECK(store->write(kInode, 5000, local.data(), 1000).ok());
  store->replace(kInode, remote.size(), extents.value);
  auto expected = remote;
  std::copy(local.begin(), local.end(), expected.begin());
  std::copy(local.begin(), local.end(), expected.begin() + 5000);
  std::vector<std::uint8_t> read(200'000);
  CHECK(store->read(kInode, 0, read.data(), read.size()).value == remote.size());
  read.resize(remote.size());
  CHECK(read == expected);
  store->replace(99, 1, {});
}

TEST("limits, modes and closed inodes give their errno") {
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  auto store = ContentStore::create(blob, 1000);
  std::uint8_t byte = 9;
  CHECK(store->write(kInode, 0, &byte, 1).error == EBADF);
  store->open(kInode, 0, {});
  store->open(kInode, 77, {});  // left alone
  CHECK(store->state(kInode).value.size == 0);
  CHECK(store->write(kInode, INT64_MAX, &byte, 1).error == EFBIG);
  CHECK(store->write(kInode, UINT64_MAX, &byte, 1).error == EFBIG);
  CHECK(store->write(kInode, INT64_MAX - 1, &byte, 1).ok());
  CHECK(store->state(kInode).value.size == INT64_MAX);
  CHECK(store->seek(kInode, 0, SEEK_DATA).value == INT64_MAX - 4095);
  CHECK(store->seek(kInode, 0, SEEK_HOLE).value == 0);
  CHECK(store->ingest(kInode).ok());
  CHECK(store->seek(kInode, INT64_MAX, SEEK_DATA).status.error == ENXIO);
  CHECK(store->truncate(kInode, std::uint64_t{INT64_MAX} + 1).error == EFBIG);
  CHECK(store->truncate(kInode, 10).ok());
  CHECK(store->allocate(kInode, FALLOC_FL_COLLAPSE_RANGE, 0, 1).error == EOPNOTSUPP);
  CHECK(store->allocate(kInode, FALLOC_FL_PUNCH_HOLE, 0, 1).error == EOPNOTSUPP);
  CHECK(store->allocate(kInode, 0, 0, 0).error == EINVAL);
  CHECK(store->allocate(kInode, 0, INT64_MAX, 1).error == EFBIG);
  CHECK(store->allocate(kInode, FALLOC_FL_KEEP_SIZE, 0, 100).ok() && store->state(kInode).value.size == 10);
  CHECK(store->allocate(kInode, 0, 0, 100).ok() && store->state(kInode).value.size == 100);
  store->forgetModified(kInode);
  CHECK(store->state(kInode).value.modifiedNs == 0 && store->state(kInode).value.dirty);
  std::vector<std::uint8_t> large(5000, 3);
  CHECK(store->write(kInode, 0, large.data(), large.size()).ok());  // larger than the bound
  store->close(kInode);
  CHECK(store->isOpen(kInode));
  store->close(kInode);
  CHECK(!store->isOpen(kInode) && store->dirtyBytes() == 0);
  CHECK(store->read(kInode, 0, &byte, 1).status.error == EBADF);
}

TEST("when the blob takes nothing, a write fails, what was accepted stays readable") {
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path(), false);  // no log to append to
  auto store = ContentStore::create(blob, 10'000);
  store->open(kInode, 0, {});
  std::vector<std::uint8_t> bytes(6000, 5);
  CHECK(store->write(kInode, 0, bytes.data(), bytes.size()).ok());
  CHECK(store->write(kInode, 6000, bytes.data(), bytes.size()).error == EROFS);
  CHECK(store->ingest(kInode).error == EROFS);
  CHECK(store->state(kInode).value.size == 6000 && store->dirtyBytes() == 6000);
  std::vector<std::uint8_t> read(6000);
  CHECK(store->read(kInode, 0, read.data(), 6000).value == 6000 && read == bytes);
  CHECK(blob->setAppendLog(kLog).ok());
  CHECK(store->ingest(kInode).ok() && store->dirtyBytes() == 0);
}

int main() { return runTests(); }
