// Chunks that are like others which were sent or received are sent as deltas to those (docs/design/0090).
#include "blob_delta_support.h"

using namespace packetfs;
using namespace packetfs::test;

TEST("what is like something that was sent is a delta to that, wherever it lies and whatever lay before it") {
  auto random = seededRandom();
  Pair pair;
  const Bytes old = randomBytes(random, 4'000'000);
  ingest(*pair.sender, old);
  ingest(*pair.sender, randomBytes(random, 3'000'000));
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  // A part of it, changed every 3,000 bytes, behind something new, with an order of its own.
  Bytes fresh = randomBytes(random, 50'000);
  const Bytes changed = touched(old, 0, old.size(), 3'000);
  fresh.insert(fresh.end(), changed.begin() + 2'400'001, changed.end());
  fresh.insert(fresh.end(), changed.begin() + 7, changed.begin() + 2'000'000);
  ingest(*pair.sender, fresh);
  const std::uint64_t sent = pair.sendFrom(before);
  // 3,600,000 bytes are alike; of a chunk that two old ones have in halves the sketch may have nothing in common.
  CHECK(sent > 50'000 && sent < 50'000 + 3'600'000 / 100 * 8);
  CHECK(std::ranges::count(pair.deltas, true) > 0);
  CHECK(pair.areEqual());
}

TEST("what a peer sent is what new chunks may be like, too") {
  auto random = seededRandom();
  Pair pair;
  const Bytes old = randomBytes(random, 200'000);
  ingest(*pair.sender, old);
  (void)pair.sendFrom(0);
  CHECK(pair.receiver->openLog(kLog + 1, "other-1").ok() && pair.receiver->setAppendLog(kLog + 1).ok());
  ingest(*pair.receiver, randomBytes(random, 20'000));
  const Bytes changed = touched(old, 0, old.size(), 3'000);
  ingest(*pair.receiver, changed);
  std::uint64_t alike = 0;
  const auto held = pair.receiver->heldRanges(kLog + 1).value;
  for (LogPosition at = 0; at < held.back().end;) {
    const auto stretch = pair.receiver->replacedBy(kLog + 1, at, held.back().end);
    for (const AddressRange& range : stretch.old) {
      if (logOf(range.start) == kLog) alike += range.length;
    }
    at = stretch.end;
  }
  CHECK(alike > 100'000);
}

int main() { return runTests(); }
