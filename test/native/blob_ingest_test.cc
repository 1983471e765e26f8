// Ingest, read and reopen: what went in comes out, known bytes are matched, zeros are holes, cuts are those of cutAll.
#include <linux/magic.h>
#include <sys/vfs.h>

#include <thread>

#include "../../native/core/chunk/chunker.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

TEST("ingested bytes read back, are cut as cutAll cuts, and survive reopening") {
  Scratch scratch;
  auto random = seededRandom();
  const auto bytes = randomBytes(random, 5'000'000);
  ExtentList extents;
  {
    auto [blob, segments] = openBlob(scratch.path());
    CHECK(segments.empty());
    auto result = blob->ingest(0, bytes.data(), bytes.size());
    CHECK(result.ok());
    extents = result.value;
    CHECK(extents.size() == 1);
    CHECK(readBack(*blob, extents, bytes.size()) == bytes);
    CHECK(chunkEnds(*blob, extents) == cutAll(blobOptions("").chunker, bytes.data(), bytes.size()));
    auto marks = blob->sync();
    CHECK(marks.ok() && marks.value.size() == 1 && marks.value[0].dataBytes == bytes.size());
    CHECK(blob->sync().value.empty());
  }
  auto [blob, segments] = openBlob(scratch.path());
  CHECK(segments.size() == 1 && segments[0].dataBytes == bytes.size());
  CHECK(!segments[0].torn && !segments[0].corrupt && !segments[0].sealed);
  CHECK(readBack(*blob, extents, bytes.size()) == bytes);
  auto again = blob->ingest(0, bytes.data(), bytes.size());
  CHECK(again.ok() && again.value.size() == 1 && again.value[0].address == extents[0].address);
  CHECK(blob->totals().appendedBytes == 0 && blob->totals().matchedBytes == bytes.size());
  CHECK(std::filesystem::file_size(dataPath(scratch.path())) == bytes.size());
}

TEST("known bytes behind an insertion are matched, the insertion is appended") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  auto bytes = randomBytes(random, 3'000'000);
  CHECK(blob->ingest(0, bytes.data(), bytes.size()).ok());
  bytes.insert(bytes.begin() + 1'000'000, 100, 0x77);
  const auto before = blob->totals();
  auto result = blob->ingest(0, bytes.data(), bytes.size());
  CHECK(result.ok());
  CHECK(readBack(*blob, result.value, bytes.size()) == bytes);
  CHECK(blob->totals().appendedBytes - before.appendedBytes < 100'000);
}

TEST("whole pages of zeros become holes and are not stored, whatever the file offset") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  for (const std::uint64_t fileOffset : {std::uint64_t{0}, std::uint64_t{1000}}) {
    auto bytes = randomBytes(random, 300'000);
    std::fill(bytes.begin() + 50'000, bytes.begin() + 150'000, 0);
    const auto before = blob->totals();
    auto result = blob->ingest(fileOffset, bytes.data(), bytes.size());
    CHECK(result.ok() && result.value.size() == 3 && result.value[1].address == kHole);
    CHECK(result.value[1].fileOffset % 4096 == 0 && result.value[1].length % 4096 == 0);
    CHECK(blob->totals().zeroBytes - before.zeroBytes > 90'000);
    std::vector<std::uint8_t> read(bytes.size());
    CHECK(blob->readExtents(result.value.data(), 3, fileOffset, read.data(), read.size()).ok());
    CHECK(read == bytes);
  }
}

TEST("windows of any size give the chunks of the whole, also over repetitive bytes and zeros") {
  auto random = seededRandom();
  for (int round = 0; round < 12; round++) {
    Scratch one;
    Scratch other;
    std::vector<std::uint8_t> bytes;
    const auto block = randomBytes(random, 60'000 + random() % 50'000);
    while (bytes.size() < 1'500'000) {
      switch (random() % 3) {
        case 0:
          bytes.insert(bytes.end(), block.begin(), block.end());
          break;
        case 1:
          bytes.insert(bytes.end(), random() % 40'000, 0);
          break;
        default: {
          const auto fresh = randomBytes(random, random() % 90'000);
          bytes.insert(bytes.end(), fresh.begin(), fresh.end());
        }
      }
    }
    auto [whole, a] = openBlob(one.path());
    auto [sliced, b] = openBlob(other.path());
    auto expected = whole->ingest(0, bytes.data(), bytes.size());
    ExtentList extents;
    IngestCursor cursor;
    std::size_t start = 0;
    std::size_t end = 0;
    while (start < bytes.size()) {
      end = std::min(bytes.size(), end + 1 + random() % 200'000);
      auto consumed = sliced->ingestWindow(
          cursor,
          {.fileOffset = start, .bytes = bytes.data() + start, .length = end - start, .final = end == bytes.size()},
          extents);
      CHECK(consumed.ok());
      start += consumed.value;
    }
    CHECK(expected.ok() && chunkEnds(*whole, expected.value) == chunkEnds(*sliced, extents));
    CHECK(readBack(*sliced, extents, bytes.size()) == bytes);
  }
}

TEST("a thin index finds known files, whole ones and most of changed ones, and never gives wrong bytes") {
  auto random = seededRandom();
  Scratch scratch;
  BlobOptions options = blobOptions(scratch.path());
  options.chunker.minimum = 256;  // small, so that many chunks are few bytes
  options.chunker.maximum = 768;
  options.indexBytesMax = 1;  // the least there is, for some 20,000 chunks
  auto blob = Blob::open(options).value;
  CHECK(blob->openLog(kLog, kLogName).ok() && blob->setAppendLog(kLog).ok());
  std::vector<std::vector<std::uint8_t>> files;
  for (int i = 0; i < 400; i++) files.push_back(randomBytes(random, 500 + random() % 200'000));
  const auto ingestAll = [&] {
    const std::uint64_t before = blob->totals().appendedBytes;
    for (const auto& file : files) {
      auto extents = blob->ingest(0, file.data(), file.size());
      CHECK(extents.ok() && readBack(*blob, extents.value, file.size()) == file);
    }
    return blob->totals().appendedBytes - before;
  };
  const std::uint64_t all = ingestAll();
  CHECK(blob->index().oneIn >= 4);
  const std::uint64_t again = ingestAll();
  std::printf("  one in %u; again %.3f\n", blob->index().oneIn, static_cast<double>(again) / static_cast<double>(all));
  CHECK(again * 200 <= all);
  for (auto& file : files) file.insert(file.begin() + static_cast<std::ptrdiff_t>(random() % file.size()), 7);
  const std::uint64_t changed = ingestAll();
  std::printf("  a byte put into each: %.3f\n", static_cast<double>(changed) / static_cast<double>(all));
  CHECK(changed * 50 <= all);
  auto check = blob->checkIndex();
  CHECK(check.ok() && check.value.missing.empty() && check.value.contradicted.empty());
}

TEST("threads that ingest the same bytes at once append them once") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  const auto bytes = randomBytes(random, 2'000'000);
  std::vector<ExtentList> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&, blob = blob] { result = blob->ingest(0, bytes.data(), bytes.size()).value; });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(readBack(*blob, result, bytes.size()) == bytes);
  CHECK(blob->totals().appendedBytes == bytes.size());
}

TEST("a full segment is followed by the next, sealed with a footer at sync, and verified by scrub") {
  Scratch scratch;
  auto random = seededRandom();
  ExtentList extents;
  {
    auto [blob, segments] = openBlob(scratch.path());
    auto bytes = randomBytes(random, 32 << 20);
    for (int round = 0; round < 9; round++) {  // 288 MiB, new in every chunk
      for (std::size_t i = 0; i < bytes.size(); i += 1024) bytes[i]++;
      auto result = blob->ingest(0, bytes.data(), bytes.size());
      CHECK(result.ok());
      extents = result.value;
      if (round == 7) CHECK(extents.size() == 2);  // an extent does not run across segments
    }
    CHECK(readBack(*blob, extents, bytes.size()) == bytes);
    auto marks = blob->sync();
    CHECK(marks.ok() && marks.value.size() == 2);
  }
  auto [blob, segments] = openBlob(scratch.path());
  CHECK(segments.size() == 2 && segments[0].sealed && !segments[1].sealed);
  CHECK(!segments[0].torn && !segments[0].corrupt && segments[0].dataBytes < kSegmentBytes);
  CHECK((blob->segmentsOf(kLog) == std::vector<std::uint32_t>{0, 1}));
  auto outcome = blob->scrubSegment(kLog, 0);
  CHECK(outcome.ok() && outcome.value.findings.empty() && outcome.value.chunks == segments[0].records);
  auto ranges = blob->heldRanges(kLog);
  CHECK(ranges.ok() && ranges.value.size() == 2 && ranges.value[0].end == segments[0].dataBytes);
}

TEST("bytes in the page cache are located in few runs, and nothing else is") {
  Scratch scratch;
  auto random = seededRandom();
  auto [blob, segments] = openBlob(scratch.path());
  const auto bytes = randomBytes(random, 600'000);
  const auto stored = blob->ingest(0, bytes.data(), bytes.size());
  CHECK(stored.ok() && stored.value.size() == 1);
  const BlobAddress first = stored.value[0].address;
  // The second third comes first, then the first, then a hole.
  const ExtentList extents{{0, 200'000, first + 200'000}, {200'000, 200'000, first}, {400'000, 4096, kHole}};
  std::vector<StoredRun> runs;
  const auto isLocated = [&](std::uint64_t offset, std::uint64_t length, std::size_t runsMax) {
    return blob->locateCached(extents.data(), extents.size(), offset, length, runsMax, runs);
  };
  const auto part = [&](std::size_t start, std::size_t length) {
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(start);
    return std::vector<std::uint8_t>(from, from + static_cast<std::ptrdiff_t>(length));
  };
  CHECK(isLocated(1000, 100'000, 1) && bytesOfRuns(runs) == part(201'000, 100'000));
  CHECK(isLocated(200'001, 199'999, 1) && bytesOfRuns(runs) == part(1, 199'999));
  CHECK(isLocated(100'000, 200'000, 2) && runs.size() == 2);
  auto expected = part(300'000, 100'000);
  const auto behind = part(0, 100'000);
  expected.insert(expected.end(), behind.begin(), behind.end());
  CHECK(bytesOfRuns(runs) == expected);
  CHECK(!isLocated(100'000, 200'000, 1));
  CHECK(!isLocated(300'000, 100'001, 4));
  CHECK(!isLocated(404'096, 1, 4));
  const ExtentList parted{{0, 1000, first}, {1000, 1000, first + 1000}, {2000, 1000, first + 600'000}};
  CHECK(blob->locateCached(parted.data(), 2, 0, 2000, 1, runs) && runs.size() == 1 && runs[0].length == 2000);
  CHECK(!blob->locateCached(parted.data(), 3, 0, 3000, 4, runs));

  const int fd = ::open(dataPath(scratch.path()).c_str(), O_RDONLY);
  CHECK(fd >= 0 && ::fsync(fd) == 0 && ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
  struct statfs disk {};
  CHECK(::fstatfs(fd, &disk) == 0 && ::close(fd) == 0);
  CHECK(isLocated(1000, 100'000, 1) == (disk.f_type == TMPFS_MAGIC));
  CHECK(readBack(*blob, stored.value, bytes.size()) == bytes);
  CHECK(isLocated(1000, 100'000, 1));
  blob->close();
  CHECK(!isLocated(1000, 100'000, 1));
}

TEST("addresses that are not held, and a closed blob, are errors") {
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path(), false);
  std::uint8_t byte = 1;
  CHECK(blob->ingest(0, &byte, 1).status.error == EROFS);
  CHECK(blob->setAppendLog(7).error == ENOENT);
  CHECK(blob->setAppendLog(kLog).ok());
  auto extents = blob->ingest(0, &byte, 1);
  CHECK(extents.ok());
  CHECK(blob->holds(extents.value[0].address, 1) && !blob->holds(extents.value[0].address, 2));
  CHECK(blob->read(extents.value[0].address + 1, &byte, 1).error == EIO);
  CHECK(blob->read(makeAddress(9, 0), &byte, 1).error == EIO);
  CHECK(blob->chunkAt(extents.value[0].address + 1).status.error == ENOENT);
  CHECK(blob->openLog(2, "../escape").status.error == EINVAL);
  CHECK(blob->openLog(2, kLogName).status.error == EEXIST);
  CHECK(blob->openLog(kLog, "other").status.error == EEXIST);
  blob->close();
  CHECK(blob->ingest(0, &byte, 1).status.error == EBADF);
  CHECK(blob->read(extents.value[0].address, &byte, 1).error == EBADF);
}

int main() { return runTests(); }
