// Literals: whole chunks arrive at the same addresses in any order; whatever is malformed is refused and changes
// nothing.
#include <algorithm>

#include "../../native/core/blob/literal_frame.h"
#include "../../native/core/blob/table_format.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

std::vector<std::vector<std::uint8_t>> packAll(Blob& blob, std::uint64_t end, std::uint64_t rawBytesMax) {
  std::vector<std::vector<std::uint8_t>> frames;
  for (LogPosition start = 0; start < end;) {
    auto literal = blob.packLiteral(kLog, start, end, rawBytesMax, 3);
    CHECK(literal.ok() && literal.value.start == start && literal.value.end > start);
    if (!literal.ok()) break;
    CHECK(literal.value.rawBytes <= std::max<std::uint64_t>(rawBytesMax, 24'576));
    frames.push_back(std::move(literal.value.frame));
    start = literal.value.end;
  }
  return frames;
}

bool store(Blob& blob, const std::vector<std::uint8_t>& frame, bool repair = false) {
  return blob.storeLiteral(kLog, frame.data(), frame.size(), repair).ok();
}

}  // namespace

TEST("frames stored in any order, some twice, make an equal copy that survives reopening") {
  auto random = seededRandom();
  Scratch from;
  Scratch to;
  auto bytes = randomBytes(random, 3'000'000);
  std::fill(bytes.begin() + 1'000'000, bytes.begin() + 2'000'000, 'x');
  auto [sender, a] = openBlob(from.path());
  auto extents = sender->ingest(0, bytes.data(), bytes.size());
  CHECK(extents.ok());
  const std::uint64_t end = sender->heldRanges(kLog).value.at(0).end;
  auto frames = packAll(*sender, end, 100'000);
  CHECK(frames.size() > 15);
  std::shuffle(frames.begin(), frames.end(), random);
  frames.insert(frames.end(), frames.begin(), frames.begin() + 5);
  {
    auto [receiver, b] = openBlob(to.path(), false);
    CHECK(receiver->checkOfRuns(extents.value.data(), extents.value.size()).status.error == ENOENT);
    for (const auto& frame : frames) CHECK(store(*receiver, frame));
    CHECK(readBack(*receiver, extents.value, bytes.size()) == bytes);
    CHECK(receiver->heldRanges(kLog).value.size() == 1 && receiver->heldRanges(kLog).value[0].end == end);
    auto check = receiver->checkOfRuns(extents.value.data(), extents.value.size());
    CHECK(check.ok() && check.value == sender->checkOfRuns(extents.value.data(), extents.value.size()).value);
    CHECK(receiver->sync().ok());
  }
  CHECK(fileBytes(dataPath(to.path())) == fileBytes(dataPath(from.path())));
  auto [receiver, b] = openBlob(to.path(), false);
  CHECK(b.size() == 1 && !b[0].torn && !b[0].corrupt && b[0].dataBytes == end);
  CHECK(readBack(*receiver, extents.value, bytes.size()) == bytes);
  // What came from a peer is matched by local writes.
  CHECK(receiver->openLog(2, "local-1").ok() && receiver->setAppendLog(2).ok());
  auto again = receiver->ingest(0, bytes.data(), bytes.size());
  CHECK(again.ok() && receiver->totals().appendedBytes == 0);
}

TEST("small chunks cost at most 2.2 bytes each before compression, incompressible ones are packed raw") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  std::uint64_t total = 0;
  for (int file = 0; file < 1000; file++) {
    const auto bytes = randomBytes(random, 1024 + random() % 3072);
    CHECK(blob->ingest(0, bytes.data(), bytes.size()).ok());
    total += bytes.size();
  }
  auto literal = blob->packLiteral(kLog, 0, total, 4 << 20, 3);
  CHECK(literal.ok() && literal.value.chunks == 1000 && literal.value.rawBytes == total);
  CHECK(literal.value.frame[2] == 0 && literal.value.frame.size() <= total + 2200);
}

TEST("a gap, the end of the range and the limit of bytes end a frame; a missing start is ENOENT") {
  auto random = seededRandom();
  Scratch from;
  Scratch to;
  auto [sender, a] = openBlob(from.path());
  auto [receiver, b] = openBlob(to.path(), false);
  const auto bytes = randomBytes(random, 500'000);
  CHECK(sender->ingest(0, bytes.data(), bytes.size()).ok());
  auto frames = packAll(*sender, bytes.size(), 1);  // one chunk each
  CHECK(frames.size() > 20);
  for (std::size_t i = 0; i < frames.size(); i++) {
    if (i != 7 && i != 12) CHECK(store(*receiver, frames[i]));
  }
  const auto ranges = receiver->heldRanges(kLog).value;
  CHECK(ranges.size() == 3);
  auto literal = receiver->packLiteral(kLog, 0, bytes.size(), 4 << 20, 3);
  CHECK(literal.ok() && literal.value.end == ranges[0].end);
  CHECK(receiver->packLiteral(kLog, ranges[0].end, bytes.size(), 4 << 20, 3).status.error == ENOENT);
  // From the middle of a chunk: that chunk as a whole; up to the middle of one: that one too.
  literal = sender->packLiteral(kLog, 5, 6, 4 << 20, 3);
  CHECK(literal.ok() && literal.value.start == 0 && literal.value.chunks == 1);
  CHECK(sender->packLiteral(kLog, bytes.size(), bytes.size() + 9, 1, 3).status.error == ENOENT);
  CHECK(sender->packLiteral(9, 0, 1, 1, 3).status.error == ENOENT);
}

TEST("ten thousand random mutations never crash, and what they store is only ever the true bytes") {
  auto random = seededRandom();
  Scratch from;
  auto [sender, a] = openBlob(from.path());
  auto text = randomBytes(random, 60'000);
  for (auto& byte : text) byte = static_cast<std::uint8_t>('a' + byte % 4);
  CHECK(sender->ingest(0, text.data(), text.size()).ok());
  const auto noise = randomBytes(random, 30'000);
  CHECK(sender->ingest(0, noise.data(), noise.size()).ok());
  const auto packed = sender->packLiteral(kLog, 0, text.size(), 1 << 20, 3).value.frame;
  const auto raw = sender->packLiteral(kLog, text.size(), text.size() + noise.size(), 1 << 20, 3).value.frame;
  CHECK(packed[2] == 1 && raw[2] == 0);
  const auto truth = fileBytes(dataPath(from.path()));

  auto target = std::make_unique<Scratch>();
  auto receiver = openBlob(target->path(), false).blob;
  int stored = 0;
  for (int round = 0; round < 10'000; round++) {
    auto frame = random() % 2 == 0 ? packed : raw;
    const auto original = frame;
    switch (random() % 4) {
      case 0:
        frame.resize(random() % frame.size());
        break;
      case 1:
        frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(random() % frame.size()), 1, 0x80);
        break;
      case 2:
        frame[random() % std::min<std::size_t>(40, frame.size())] = static_cast<std::uint8_t>(random());
        break;
      default:
        for (std::uint64_t flips = 1 + random() % 4; flips > 0; flips--) {
          std::uint8_t& byte = frame[random() % frame.size()];
          byte = static_cast<std::uint8_t>(byte ^ (1U << random() % 8));
        }
    }
    if (frame == original) continue;
    auto result = receiver->storeLiteral(kLog, frame.data(), frame.size(), random() % 2 == 0);
    if (result.ok()) {  // zstd has bits without a meaning
      stored++;
      std::vector<std::uint8_t> read(result.value.rawBytes);
      CHECK(receiver->read(makeAddress(kLog, result.value.start), read.data(), read.size()).ok());
      CHECK(std::equal(read.begin(), read.end(), truth.begin() + static_cast<std::ptrdiff_t>(result.value.start)));
      receiver->close();
      target = std::make_unique<Scratch>();
      receiver = openBlob(target->path(), false).blob;
      continue;
    }
    CHECK(result.status.error == EBADMSG);
    CHECK(receiver->heldRanges(kLog).value.empty());
  }
  CHECK(stored < 1000);
  CHECK(store(*receiver, packed) && store(*receiver, raw));
}

TEST("a frame of another log, or against what is held, is refused") {
  auto random = seededRandom();
  Scratch one;
  Scratch two;
  Scratch three;
  auto [a, x] = openBlob(one.path());
  auto [b, y] = openBlob(two.path());
  auto [other, z] = openBlob(three.path(), false, "another-1");
  const auto first = randomBytes(random, 50'000);
  const auto second = randomBytes(random, 50'000);
  CHECK(a->ingest(0, first.data(), first.size()).ok());
  CHECK(b->ingest(0, second.data(), second.size()).ok());
  const auto frame = a->packLiteral(kLog, 0, 50'000, 1 << 20, 3).value.frame;
  CHECK(other->storeLiteral(kLog, frame.data(), frame.size(), false).status.error == EBADMSG);
  CHECK(b->storeLiteral(kLog, frame.data(), frame.size(), false).status.error == EBADMSG);
  CHECK(b->storeLiteral(kLog, frame.data(), frame.size(), true).status.error == EBADMSG);
  CHECK(b->storeLiteral(9, frame.data(), frame.size(), true).status.error == ENOENT);
  CHECK(fileBytes(dataPath(two.path())) == second);
}

TEST("repair rewrites damaged data and damaged records, and nothing else does") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  const auto bytes = randomBytes(random, 400'000);
  CHECK(blob->ingest(0, bytes.data(), bytes.size()).ok());
  CHECK(blob->sync().ok());
  const auto frames = packAll(*blob, bytes.size(), 100'000);
  for (int round = 0; round < 5; round++) {
    const auto records =
        (std::filesystem::file_size(tablePath(scratch.path())) - kTableHeaderBytes) / kTableRecordBytes;
    flipByte(dataPath(scratch.path()), random() % bytes.size());
    flipByte(tablePath(scratch.path()),
             slotOffset(static_cast<std::uint32_t>(random() % records)) + random() % kTableRecordBytes);
    for (const auto& frame : frames) CHECK(store(*blob, frame));
    CHECK(!blob->scrubSegment(kLog, 0).value.findings.empty());
    for (const auto& frame : frames) CHECK(store(*blob, frame, true));
    CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
    CHECK(fileBytes(dataPath(scratch.path())) == bytes);
  }
}

TEST("a damaged chunk is not sent") {
  auto random = seededRandom();
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  const auto bytes = randomBytes(random, 20'000);
  CHECK(blob->ingest(0, bytes.data(), bytes.size()).ok());
  flipByte(dataPath(scratch.path()), 100);
  CHECK(blob->packLiteral(kLog, 0, 20'000, 1 << 20, 3).status.error == EIO);
}

int main() { return runTests(); }
