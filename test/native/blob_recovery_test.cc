// Opening after damage: torn tails are cut off, lost writes are not indexed, corruption is kept apart and reported.
// What an unclean stop leaves is made by copying the files of a blob that is still open.
#include <algorithm>
#include <cstring>

#include "../../native/core/blob/table_format.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

struct Stopped {  // a blob's files as a crash leaves them: 40 chunks synced, more written since
  Scratch scratch{};
  std::vector<std::uint8_t> synced{};
  std::vector<std::uint8_t> unsynced{};
  std::uint32_t syncedRecords = 0;
  std::uint32_t records = 0;
};

void copyFiles(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

std::unique_ptr<Stopped> stopped(std::mt19937_64& random) {
  auto result = std::make_unique<Stopped>();
  Scratch live;
  auto [blob, segments] = openBlob(live.path());
  result->synced = randomBytes(random, 600'000);
  result->unsynced = randomBytes(random, 300'000);
  CHECK(blob->ingest(0, result->synced.data(), result->synced.size()).ok());
  auto marks = blob->sync();
  CHECK(marks.ok() && marks.value.size() == 1);
  result->syncedRecords = marks.value[0].records;
  CHECK(blob->ingest(0, result->unsynced.data(), result->unsynced.size()).ok());
  copyFiles(live.path() + "/example-1", result->scratch.path() + "/example-1");
  auto tableBytes = std::filesystem::file_size(tablePath(live.path()));
  result->records = static_cast<std::uint32_t>((tableBytes - kTableHeaderBytes) / kTableRecordBytes);
  return result;
}

void expectSyncedBytes(Blob& blob, const Stopped& state) {
  std::vector<std::uint8_t> read(state.synced.size());
  CHECK(blob.read(makeAddress(kLog, 0), read.data(), read.size()).ok());
  CHECK(read == state.synced);
}

}  // namespace

TEST("a killed process loses nothing: the kernel had it all, and the next sync makes it durable") {
  auto random = seededRandom();
  auto state = stopped(random);
  auto [blob, segments] = openBlob(state->scratch.path());
  CHECK(segments.size() == 1 && !segments[0].torn && !segments[0].corrupt);
  CHECK(segments[0].records == state->records);
  auto marks = blob->sync();
  CHECK(marks.ok() && marks.value.size() == 1 && marks.value[0].records == state->records);
}

TEST("a table cut anywhere behind the synced records opens with the records that are whole") {
  auto random = seededRandom();
  for (int round = 0; round < 20; round++) {
    auto state = stopped(random);
    const std::uint64_t first = slotOffset(state->syncedRecords);
    const std::uint64_t size = first + random() % (slotOffset(state->records) - first);
    std::filesystem::resize_file(tablePath(state->scratch.path()), size);
    auto [blob, segments] = openBlob(state->scratch.path(), false);
    CHECK(segments[0].records == (size - kTableHeaderBytes) / kTableRecordBytes);
    CHECK(segments[0].torn == (size % kTableRecordBytes != 0) && !segments[0].corrupt);
    CHECK(std::filesystem::file_size(tablePath(state->scratch.path())) % kTableRecordBytes == 0);
    expectSyncedBytes(*blob, *state);
    if (segments[0].torn) CHECK(blob->setAppendLog(kLog).error == EROFS);
  }
}

TEST("records whose data never reached the disk are not indexed, synced ones are untouched") {
  auto random = seededRandom();
  auto state = stopped(random);
  const std::uint64_t lost = state->synced.size() + 100'000;
  {  // a page of unsynced data is zeros, as after a power cut
    std::fstream file(dataPath(state->scratch.path()), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(lost));
    const std::vector<char> zeros(4096, 0);
    file.write(zeros.data(), 4096);
  }
  auto [blob, segments] = openBlob(state->scratch.path(), false);
  CHECK(segments[0].torn && !segments[0].corrupt && segments[0].sealed);
  CHECK(!blob->holds(makeAddress(kLog, lost), 1));
  CHECK(blob->holds(makeAddress(kLog, lost + 50'000), 1));
  CHECK(blob->heldRanges(kLog).value.size() == 2);
  std::vector<StoredRun> runs;
  const Extent across{0, 100'000, makeAddress(kLog, lost - 50'000)};
  CHECK(!blob->locateCached(&across, 1, 0, across.length, 1, runs));
  expectSyncedBytes(*blob, *state);
  auto outcome = blob->scrubSegment(kLog, 0);
  CHECK(outcome.ok() && outcome.value.findings.empty());
  CHECK(blob->sync().ok());
  blob->close();
  auto [again, reopened] = openBlob(state->scratch.path(), false);  // what was torn once is not damage for ever
  CHECK(!reopened[0].torn && !reopened[0].corrupt && reopened[0].records == segments[0].records);
  CHECK(again->holds(makeAddress(kLog, lost + 50'000), 1));
  expectSyncedBytes(*again, *state);
}

TEST("a data file cut short loses the chunks behind the cut and no others") {
  auto random = seededRandom();
  auto state = stopped(random);
  std::filesystem::resize_file(dataPath(state->scratch.path()), state->synced.size() + 10'000);
  auto [blob, segments] = openBlob(state->scratch.path(), false);
  CHECK(segments[0].torn && !segments[0].corrupt && segments[0].dataBytes <= state->synced.size() + 10'000);
  expectSyncedBytes(*blob, *state);
}

TEST("a damaged record that had been synced is corruption: kept, reported, found by scrub, healed by a literal") {
  auto random = seededRandom();
  for (int round = 0; round < 8; round++) {
    auto state = stopped(random);
    Scratch peerScratch;
    copyFiles(state->scratch.path() + "/example-1", peerScratch.path() + "/example-1");
    const auto bad =
        round == 0 ? state->syncedRecords - 1 : static_cast<std::uint32_t>(random() % (state->syncedRecords - 1));
    flipByte(tablePath(state->scratch.path()), slotOffset(bad) + random() % kTableRecordBytes);
    auto [peer, peerSegments] = openBlob(peerScratch.path(), false);
    {
      auto [blob, segments] = openBlob(state->scratch.path(), false);
      CHECK(segments[0].corrupt && !segments[0].torn && segments[0].records == state->records);
      CHECK(blob->setAppendLog(kLog).error == EROFS);
      auto outcome = blob->scrubSegment(kLog, 0);
      CHECK(outcome.ok() && outcome.value.findings.size() == 1);
      const auto finding = outcome.value.findings.at(0);
      CHECK(finding.reason == "record" && finding.length > 0 && !blob->holds(finding.address, 1));
      const LogPosition start = positionOf(finding.address);
      auto literal = peer->packLiteral(kLog, start, start + finding.length, 1 << 20, 3);
      CHECK(literal.ok() && literal.value.start == start && literal.value.end == start + finding.length);
      CHECK(blob->storeLiteral(kLog, literal.value.frame.data(), literal.value.frame.size(), false).ok());
      CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
      expectSyncedBytes(*blob, *state);
      CHECK(blob->heldRanges(kLog).value.size() == 1);
    }
    auto [blob, segments] = openBlob(state->scratch.path());
    CHECK(!segments[0].corrupt && !segments[0].torn && segments[0].records == state->records);
  }
}

TEST("a table cut off below the synced records is corruption") {
  auto random = seededRandom();
  auto state = stopped(random);
  std::filesystem::resize_file(tablePath(state->scratch.path()), slotOffset(state->syncedRecords - 3));
  auto [blob, segments] = openBlob(state->scratch.path(), false);
  CHECK(segments[0].corrupt && segments[0].records == state->syncedRecords - 3);
}

TEST("a damaged header is rewritten and reported; a foreign one is refused") {
  auto random = seededRandom();
  auto state = stopped(random);
  flipByte(tablePath(state->scratch.path()), 20);
  {
    auto [blob, segments] = openBlob(state->scratch.path(), false);
    CHECK(segments[0].corrupt);
    expectSyncedBytes(*blob, *state);
  }
  auto options = blobOptions(state->scratch.path());
  options.volumeId[3] ^= 1;
  auto blob = Blob::open(options);
  CHECK(blob.ok() && blob.value->openLog(kLog, kLogName).status.error == EINVAL);
  options = blobOptions(state->scratch.path());
  options.identityKey[0] ^= 1;
  blob = Blob::open(options);
  CHECK(blob.ok() && blob.value->openLog(kLog, kLogName).status.error == EINVAL);
}

TEST("random damage to both files never crashes an open, a read or a scrub") {
  auto random = seededRandom();
  auto state = stopped(random);
  for (int round = 0; round < 60; round++) {
    Scratch scratch;
    copyFiles(state->scratch.path() + "/example-1", scratch.path() + "/example-1");
    for (int damage = 0; damage < 5; damage++) {
      const std::string path = random() % 2 == 0 ? tablePath(scratch.path()) : dataPath(scratch.path());
      const std::uint64_t size = std::filesystem::file_size(path);
      if (random() % 4 == 0) {
        std::filesystem::resize_file(path, random() % (size + 5000));
      } else if (size > 0) {
        flipByte(path, random() % size);
      }
    }
    auto blob = Blob::open(blobOptions(scratch.path()));
    CHECK(blob.ok());
    auto segments = blob.value->openLog(kLog, kLogName);
    CHECK(segments.ok());
    std::vector<std::uint8_t> bytes(700'000);
    for (const auto& range : blob.value->heldRanges(kLog).value) {
      const std::size_t length = std::min<std::size_t>(bytes.size(), range.end - range.start);
      CHECK(blob.value->read(makeAddress(kLog, range.start), bytes.data(), length).ok());
    }
    CHECK(blob.value->scrubSegment(kLog, 0).ok());
    CHECK(blob.value->sync().ok());
  }
}

TEST("scrub names a flipped byte in data and in a table that is open") {
  auto random = seededRandom();
  auto state = stopped(random);
  auto [blob, segments] = openBlob(state->scratch.path(), false);
  CHECK(blob->sync().ok());
  CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
  for (int round = 0; round < 5; round++) {
    const std::uint64_t offset = random() % state->synced.size();
    flipByte(dataPath(state->scratch.path()), offset);
    auto outcome = blob->scrubSegment(kLog, 0);
    CHECK(outcome.ok() && outcome.value.findings.size() == 1);
    const auto finding = outcome.value.findings.at(0);
    auto chunk = blob->chunkAt(makeAddress(kLog, offset));
    CHECK(finding.reason == "data" && finding.address == chunk.value.address && finding.length == chunk.value.length);
    flipByte(dataPath(state->scratch.path()), offset);

    const auto slot = static_cast<std::uint32_t>(random() % state->records);
    const std::uint64_t place = slotOffset(slot) + random() % kTableRecordBytes;
    flipByte(tablePath(state->scratch.path()), place);
    outcome = blob->scrubSegment(kLog, 0);
    CHECK(outcome.ok() && outcome.value.findings.size() == 1 && outcome.value.findings.at(0).reason == "record");
    flipByte(tablePath(state->scratch.path()), place);
    CHECK(outcome.value.findings.at(0).length <= 24'576);
    CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
  }
  CHECK(blob->scrubSegment(kLog, 9).status.error == ENOENT);
}

int main() { return runTests(); }
