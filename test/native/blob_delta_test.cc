// Literals as deltas: ingest knows what new bytes replaced, a delta to it is small and arrives as the same bytes, and
// what cannot be one is sent whole or refused without effect.
#include <algorithm>

#include "../../native/core/blob/literal_frame.h"
#include "blob_delta_support.h"

using namespace packetfs;
using namespace packetfs::test;

TEST("what changed between two stored chunks is sent as a delta to what was there") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 2'000'000);
  ingest(*pair.sender, first);
  CHECK(pair.sendFrom(0) > first.size());
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 700'000, 1'500'000, 1000));
  CHECK(endOf(*pair.sender) - before > 800'000);
  const std::uint64_t sent = pair.sendFrom(before);
  CHECK(sent < 20'000);
  CHECK(std::ranges::count(pair.deltas, true) >= 3 && std::ranges::count(pair.deltas, false) == 0);
  CHECK(pair.areEqual());
}

TEST("a beginning that changed is a delta to what came before the first stored chunk") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 400'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 0, 100'000, 1000));
  CHECK(pair.sendFrom(before) < 4'000);
  CHECK(pair.areEqual());
}

TEST("a file without a stored chunk is a delta to the one whose name it took, or to where its neighbour's went on") {
  auto random = seededRandom();
  Pair pair;
  const Bytes one = randomBytes(random, 60'000);
  const Bytes two = randomBytes(random, 7'000);
  ingest(*pair.sender, one);
  auto old = pair.sender->ingest(0, two.data(), two.size());
  CHECK(old.ok());
  (void)pair.sendFrom(0);
  // As a copied tree: its neighbour is known, and this follows it.
  LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, one);
  ingest(*pair.sender, touched(two, 100, 200, 10));
  CHECK(pair.sendFrom(before) < 300);
  // As an editor does it, after something else was written.
  ingest(*pair.sender, randomBytes(random, 500'000));
  (void)pair.sendFrom(endOf(*pair.sender) - 500'000);
  before = endOf(*pair.sender);
  const Bytes edited = touched(two, 300, 400, 10);
  auto fresh = pair.sender->ingest(0, edited.data(), edited.size());
  CHECK(fresh.ok());
  pair.sender->noteReplaced(fresh.value, old.value);
  CHECK(pair.sendFrom(before) < 300);
  CHECK(pair.areEqual());
}

TEST("what is unlike what it replaced is sent whole, in large literals, and not tried again") {
  auto random = seededRandom();
  Pair pair;
  Bytes text = randomBytes(random, 300'000);
  ingest(*pair.sender, text);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  Bytes file(text.begin(), text.begin() + 100'000);  // one known beginning, then nothing known
  const Bytes noise = randomBytes(random, 12'000'000);
  file.insert(file.end(), noise.begin(), noise.end());
  ingest(*pair.sender, file);
  CHECK(pair.sendFrom(before) < noise.size() + 60'000);
  CHECK(std::ranges::count(pair.deltas, true) == 0);
  CHECK(pair.deltas.size() <= 9);  // five of 256 KiB in vain, then as large as literals may be
  CHECK(pair.sender->replacedBy(kLog, before, endOf(*pair.sender)).old.empty());
  CHECK(pair.areEqual());
}

TEST("a place that is unlike in the middle of a change ends no deltas behind it") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 3'000'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  Bytes second = touched(first, 100'000, 2'900'000, 1000);
  const Bytes noise = randomBytes(random, 500'000);
  std::copy(noise.begin(), noise.end(), second.begin() + 1'000'000);
  ingest(*pair.sender, second);
  CHECK(pair.sendFrom(before) < 850'000);
  CHECK(pair.areEqual());
}

TEST("a base may lie in another log, which the frame names; who does not know it refuses the frame") {
  auto random = seededRandom();
  Scratch from;
  Scratch to;
  Scratch stranger;
  auto sender = openBlob(from.path()).blob;
  const Bytes first = randomBytes(random, 300'000);
  ingest(*sender, first);
  CHECK(sender->openLog(2, "second-1").ok() && sender->setAppendLog(2).ok());
  ingest(*sender, touched(first, 100'000, 200'000, 1000));
  auto receiver = openBlob(to.path(), false).blob;
  auto whole = sender->packLiteral(kLog, 0, 300'000, 4 << 20, 3);
  CHECK(whole.ok() && store(*receiver, whole.value.frame).ok());
  const LogPosition end = sender->heldRanges(2).value.at(0).end;
  const auto stretch = sender->replacedBy(2, 0, end);
  auto delta = sender->packLiteral(2, 0, end, 4 << 20, 3, stretch.old);
  CHECK(delta.ok() && delta.value.isDelta && delta.value.frame.size() < 3'000);
  const Bytes& frame = delta.value.frame;
  CHECK(receiver->openLog(7, "second-1").ok());
  CHECK(receiver->storeLiteral(7, frame.data(), frame.size(), false).ok());
  Bytes read(delta.value.rawBytes);
  Bytes expected(delta.value.rawBytes);
  CHECK(receiver->read(makeAddress(7, 0), read.data(), read.size()).ok());
  CHECK(sender->read(makeAddress(2, 0), expected.data(), expected.size()).ok() && read == expected);

  auto other = openBlob(stranger.path(), false, "third-1").blob;
  CHECK(other->openLog(7, "second-1").ok());
  CHECK(other->storeLiteral(7, frame.data(), frame.size(), false).status.error == ENOENT);
  CHECK(other->heldRanges(7).value.empty());
}

TEST("a delta refers to no more logs than a frame may name") {
  auto random = seededRandom();
  Scratch from;
  Scratch to;
  auto sender = openBlob(from.path()).blob;
  auto receiver = openBlob(to.path(), false).blob;
  std::vector<Bytes> files;
  for (LogNumber log = 2; log < 12; log++) {
    const std::string name = "log-" + std::to_string(log);
    CHECK(sender->openLog(log, name).ok() && receiver->openLog(log, name).ok() && sender->setAppendLog(log).ok());
    files.push_back(randomBytes(random, 9'000));
    ingest(*sender, files.back());
    const auto whole = sender->packLiteral(log, 0, 9'000, 1 << 20, 3);
    CHECK(receiver->storeLiteral(log, whole.value.frame.data(), whole.value.frame.size(), false).ok());
  }
  CHECK(sender->setAppendLog(kLog).ok());
  for (std::size_t i = 0; i < files.size(); i++) {
    const Bytes edited = touched(files[i], 100, 8'900, 1000);
    auto fresh = sender->ingest(0, edited.data(), edited.size());
    CHECK(fresh.ok());
    sender->noteReplaced(fresh.value, {{0, 9'000, makeAddress(static_cast<LogNumber>(i + 2), 0)}});
  }
  const auto stretch = sender->replacedBy(kLog, 0, endOf(*sender));
  CHECK(stretch.old.size() == files.size());
  auto literal = sender->packLiteral(kLog, 0, stretch.end, 1 << 20, 3, stretch.old);
  CHECK(literal.ok() && literal.value.isDelta && store(*receiver, literal.value.frame).ok());
}

TEST("a peer that holds little of what was replaced gets it whole, and the others their deltas") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 2'000'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 100'000, first.size(), 1000));
  std::uint64_t whole = 0;
  for (LogPosition start = before; start < endOf(*pair.sender);) {
    const auto stretch = pair.sender->replacedBy(kLog, start, endOf(*pair.sender));
    std::vector<AddressRange> few;
    for (const AddressRange& old : stretch.old) few.push_back({old.start, std::min<std::uint64_t>(old.length, 4096)});
    auto literal = pair.sender->packLiteral(kLog, start, stretch.end, 4 << 20, 3, few);
    CHECK(literal.ok() && !literal.value.isDelta);
    whole += literal.value.frame.size();
    start = literal.value.end;
  }
  CHECK(whole > 1'800'000);
  CHECK(pair.sendFrom(before) < 40'000);
}

TEST("a file that lay in many places and is saved anew as one is a delta to all of them") {
  auto random = seededRandom();
  Pair pair;
  ExtentList old;
  Bytes content;
  for (std::uint64_t part = 0; part < 6; part++) {
    const Bytes bytes = randomBytes(random, 20'000);
    old.push_back({part * 20'000, 20'000, makeAddress(kLog, endOf(*pair.sender))});
    ingest(*pair.sender, bytes);
    content.insert(content.end(), bytes.begin(), bytes.end());
    ingest(*pair.sender, randomBytes(random, 200'000));
  }
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  const Bytes edited = touched(content, 500, content.size(), 1000);
  auto fresh = pair.sender->ingest(0, edited.data(), edited.size());
  CHECK(fresh.ok());
  pair.sender->noteReplaced(fresh.value, old);
  CHECK(pair.sendFrom(before) < 10'000);
  CHECK(pair.areEqual());
}

TEST("many small files that lay far apart are deltas, to as much as a frame may refer to") {
  auto random = seededRandom();
  Pair pair;
  std::vector<Bytes> files;
  std::vector<ExtentList> old;
  for (int file = 0; file < 400; file++) {
    Bytes text;
    for (int word = 0; word < 250; word++) {
      const std::string one = std::to_string(random() % 1000) + ", ";
      text.insert(text.end(), one.begin(), one.end());
    }
    files.push_back(text);
    old.push_back(pair.sender->ingest(0, text.data(), text.size()).value);
    ingest(*pair.sender, randomBytes(random, 11'000));
  }
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < files.size(); i++) {
    Bytes edited = files[i];
    edited.insert(edited.begin(), {'n', 'e', 'w', '\n'});
    const auto fresh = pair.sender->ingest(0, edited.data(), edited.size());
    pair.sender->noteReplaced(fresh.value, old[i]);
    bytes += edited.size();
  }
  CHECK(pair.sendFrom(before) < bytes / 10);
  CHECK(std::ranges::count(pair.deltas, false) == 0);
  CHECK(pair.areEqual());
}

TEST("a base that is longer than a frame may refer to is shortened") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 4'000'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 100'000, 200'000, 1000));
  const std::vector<AddressRange> bases{{makeAddress(kLog, 0), 3'000'000}};
  auto delta = pair.sender->packLiteral(kLog, before, endOf(*pair.sender), 4 << 20, 9, bases);
  CHECK(delta.ok() && delta.value.isDelta && store(*pair.receiver, delta.value.frame).ok());
}

TEST("without its base, or with a damaged one, a delta is refused and changes nothing; a whole frame heals") {
  auto random = seededRandom();
  Pair pair;
  Scratch empty;
  const Bytes first = randomBytes(random, 400'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 100'000, 300'000, 1000));
  const auto stretch = pair.sender->replacedBy(kLog, before, endOf(*pair.sender));
  auto delta = pair.sender->packLiteral(kLog, before, stretch.end, 4 << 20, 3, stretch.old);
  CHECK(delta.ok() && delta.value.isDelta);
  auto nobody = openBlob(empty.path(), false).blob;
  CHECK(store(*nobody, delta.value.frame).status.error == EIO);
  CHECK(nobody->heldRanges(kLog).value.empty());
  for (std::uint64_t at = 100'500; at < 300'000; at += 5'000) flipByte(dataPath(pair.to.path()), at);
  CHECK(store(*pair.receiver, delta.value.frame).status.error == EBADMSG);
  CHECK(endOf(*pair.receiver) == before);
  auto whole = pair.sender->packLiteral(kLog, before, stretch.end, 4 << 20, 3);
  CHECK(whole.ok() && !whole.value.isDelta && store(*pair.receiver, whole.value.frame).ok());
}

TEST("ten thousand random mutations of a delta never crash, and what they store is only ever the true bytes") {
  auto random = seededRandom();
  Pair pair;
  const Bytes first = randomBytes(random, 100'000);
  ingest(*pair.sender, first);
  (void)pair.sendFrom(0);
  const LogPosition before = endOf(*pair.sender);
  ingest(*pair.sender, touched(first, 30'000, 60'000, 1000));
  const auto stretch = pair.sender->replacedBy(kLog, before, endOf(*pair.sender));
  auto delta = pair.sender->packLiteral(kLog, before, stretch.end, 4 << 20, 3, heldThere(stretch.old, before));
  CHECK(delta.ok() && delta.value.isDelta);
  auto whole = pair.sender->packLiteral(kLog, 0, before, 4 << 20, 3);
  auto target = std::make_unique<Scratch>();
  auto receiver = openBlob(target->path(), false).blob;
  CHECK(store(*receiver, whole.value.frame).ok());
  int stored = 0;
  for (int round = 0; round < 10'000; round++) {
    Bytes frame = delta.value.frame;
    const std::size_t changes = 1 + random() % 3;
    for (std::size_t i = 0; i < changes; i++) {
      std::uint8_t& byte = frame[random() % std::min<std::size_t>(60, frame.size())];
      byte = static_cast<std::uint8_t>(byte ^ (1U << random() % 8));
    }
    if (random() % 4 == 0) frame.resize(random() % frame.size());
    if (frame == delta.value.frame) continue;
    auto result = store(*receiver, frame);
    if (!result.ok()) {
      CHECK(result.status.error == EBADMSG || result.status.error == EIO || result.status.error == ENOENT);
      CHECK(endOf(*receiver) == before);
      continue;
    }
    stored++;  // zstd has bits without a meaning, and a base may be longer than the delta needs
    Bytes read(result.value.rawBytes);
    Bytes expected(result.value.rawBytes);
    CHECK(receiver->read(makeAddress(kLog, result.value.start), read.data(), read.size()).ok());
    CHECK(pair.sender->read(makeAddress(kLog, result.value.start), expected.data(), expected.size()).ok());
    CHECK(read == expected);
    receiver->close();
    target = std::make_unique<Scratch>();
    receiver = openBlob(target->path(), false).blob;
    CHECK(store(*receiver, whole.value.frame).ok());
  }
  CHECK(stored < 1000);
  CHECK(store(*receiver, delta.value.frame).ok());
}

int main() { return runTests(); }
