// Recipes and seeds: what a receiver has elsewhere, in its blob or in a seeded file, is stored by its hash alone; what
// it has not is named; files that change, vanish or are none are misses; bad recipes are refused without effect.
#include <sys/stat.h>

#include <algorithm>

#include "../../native/core/blob/recipe_frame.h"
#include "../../native/core/blob/seed_index.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kRawBytesMax = 4U << 20;

void writeFile(const std::string& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Random bytes with pages of zeros in them, some of which do not begin at a page.
Bytes sparseBytes(std::mt19937_64& random, std::size_t length) {
  Bytes bytes = randomBytes(random, length);
  for (int hole = 0; hole < 6; hole++) {
    const std::size_t start = random() % length;
    const std::size_t end = std::min<std::size_t>(length, start + random() % 60'000);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.begin() + static_cast<std::ptrdiff_t>(end), 0);
  }
  return bytes;
}

LogPosition endOf(Blob& blob) {
  const auto held = blob.heldRanges(kLog).value;
  return held.empty() ? 0 : held.back().end;
}

Result<SeededFile> addSeed(Blob& blob, const std::string& path) {
  return blob.seeds().add(path, blob.seeds().generation());
}

struct Sent {
  std::uint64_t frameBytes = 0, filledBytes = 0, missingBytes = 0;
};

struct Pair {
  Scratch from{};
  Scratch to{};
  Scratch seeds{};
  std::shared_ptr<Blob> sender = openBlob(from.path()).blob;
  std::shared_ptr<Blob> receiver = openBlob(to.path(), false).blob;

  void ingest(const Bytes& bytes) { CHECK(sender->ingest(0, bytes.data(), bytes.size()).ok()); }

  std::string seed(const char* name, const Bytes& bytes) {
    std::string path = seeds.path() + "/" + name;
    writeFile(path, bytes);
    CHECK(addSeed(*receiver, path).ok());
    return path;
  }

  /// Everything of the sender as recipes, and what they miss as literals.
  Sent send() {
    Sent sent;
    for (LogPosition start = 0; start < endOf(*sender);) {
      auto recipe = sender->packRecipe(kLog, start, endOf(*sender), kRawBytesMax);
      CHECK(recipe.ok());
      if (!recipe.ok()) break;
      sent.frameBytes += recipe.value.frame.size();
      auto filled = receiver->storeRecipe(kLog, recipe.value.frame.data(), recipe.value.frame.size());
      CHECK(filled.ok() && filled.value.start == start && filled.value.end == recipe.value.end);
      sent.filledBytes += filled.value.filledBytes;
      for (const PositionRange& range : filled.value.missing) sendLiteral(range, sent);
      start = recipe.value.end;
    }
    return sent;
  }

  void sendLiteral(const PositionRange& range, Sent& sent) {
    sent.missingBytes += range.end - range.start;
    auto literal = sender->packLiteral(kLog, range.start, range.end, kRawBytesMax, 1);
    CHECK(literal.ok() && literal.value.start == range.start && literal.value.end == range.end);
    CHECK(receiver->storeLiteral(kLog, literal.value.frame.data(), literal.value.frame.size(), false).ok());
  }

  [[nodiscard]] bool areEqual() const { return fileBytes(dataPath(from.path())) == fileBytes(dataPath(to.path())); }
};

}  // namespace

TEST("a seeded file fills every chunk of the same bytes, holes in them or not") {
  auto random = seededRandom();
  for (int round = 0; round < 20; round++) {
    Pair pair;
    const Bytes bytes = sparseBytes(random, 1 + random() % 9'000'000);
    pair.ingest(bytes);
    pair.seed("same", bytes);
    const Sent sent = pair.send();
    CHECK(sent.missingBytes == 0);
    CHECK(sent.filledBytes == endOf(*pair.sender));
    CHECK(sent.frameBytes * 200 <= sent.filledBytes + 20'000);
    CHECK(pair.areEqual());
  }
}

TEST("a seed that differs in places misses the chunks around them alone") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 5'000'000);
  pair.ingest(bytes);
  Bytes other = bytes;
  other[1'000'000] ^= 1;
  other.insert(other.begin() + 3'000'000, {1, 2, 3});
  pair.seed("like", other);
  const Sent sent = pair.send();
  CHECK(sent.missingBytes > 0);
  CHECK(sent.missingBytes <= 8 * 24576);
  CHECK(pair.areEqual());
}

TEST("a seed that was changed, cut, replaced or removed since is a miss") {
  auto random = seededRandom();
  Pair pair;
  std::vector<Bytes> files;
  std::vector<std::string> paths;
  for (int i = 0; i < 5; i++) {
    files.push_back(randomBytes(random, 200'000));
    pair.ingest(files.back());
    paths.push_back(pair.seed(std::to_string(i).c_str(), files.back()));
  }
  Bytes changed = files[0];
  for (std::size_t i = 0; i < changed.size(); i += 64) changed[i] ^= 1;
  changed.back() ^= 2;
  writeFile(paths[0], changed);
  writeFile(paths[1], {});
  std::filesystem::remove(paths[2]);
  std::filesystem::remove(paths[3]);
  std::filesystem::create_symlink(paths[4], paths[3]);
  const Sent sent = pair.send();
  CHECK(sent.filledBytes == 200'000);
  CHECK(pair.areEqual());
}

TEST("what the receiver's own log has is not sent either") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 3'000'000);
  pair.ingest(bytes);
  CHECK(pair.receiver->openLog(2, "example-2").ok());
  CHECK(pair.receiver->setAppendLog(2).ok());
  CHECK(pair.receiver->ingest(0, bytes.data(), bytes.size()).ok());
  const Sent sent = pair.send();
  CHECK(sent.missingBytes == 0);
  CHECK(pair.areEqual());
}

TEST("chunks that are held already are neither filled nor missing") {
  auto random = seededRandom();
  Pair pair;
  pair.ingest(randomBytes(random, 1'000'000));
  pair.send();
  const Sent again = pair.send();
  CHECK(again.filledBytes == 0 && again.missingBytes == 0);
}

TEST("own chunks whose bytes the disk has lost are not copied") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 100'000);
  pair.ingest(bytes);
  CHECK(pair.receiver->openLog(2, "example-2").ok());
  CHECK(pair.receiver->setAppendLog(2).ok());
  CHECK(pair.receiver->ingest(0, bytes.data(), bytes.size()).ok());
  flipByte(pair.to.path() + "/example-2/00000.data", 50'000);
  const Sent sent = pair.send();
  CHECK(sent.missingBytes > 0 && sent.missingBytes <= 24576);
  CHECK(pair.areEqual());
}

TEST("what is no regular file is refused and not waited for") {
  Pair pair;
  const std::string pipe = pair.seeds.path() + "/pipe";
  CHECK(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(addSeed(*pair.receiver, pipe).status.error == EINVAL);
  CHECK(addSeed(*pair.receiver, pair.seeds.path()).status.error == EINVAL);
  CHECK(addSeed(*pair.receiver, pair.seeds.path() + "/none").status.error == ENOENT);
  CHECK(pair.receiver->seeds().usage().files == 0);
}

TEST("seeds are counted, and forgotten together") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 1'000'000);
  for (const char* name : {"one", "two", "three"}) pair.seed(name, bytes);
  const SeedUsage usage = pair.receiver->seeds().usage();
  CHECK(usage.files == 3);
  CHECK(usage.bytes == 3'000'000);
  CHECK(usage.chunks >= 2 * (1'000'000 / 24576) && usage.chunks <= 2 * (1'000'000 / 8192 + 1));
  pair.receiver->seeds().clear();
  CHECK(pair.receiver->seeds().usage().chunks == 0);
  pair.ingest(bytes);
  CHECK(pair.send().filledBytes == 0);
}

TEST("short runs of what is found between what is missing are left to the literal around them") {
  auto random = seededRandom();
  Pair pair;
  for (int i = 0; i < 400; i++) {
    const Bytes bytes = randomBytes(random, 500);
    pair.ingest(bytes);
    if (i % 2 == 0) pair.seed(std::to_string(i).c_str(), bytes);
  }
  const Bytes large = randomBytes(random, 100'000);
  pair.ingest(large);
  pair.seed("large", large);
  const Sent sent = pair.send();
  CHECK(sent.filledBytes == 100'000);
  CHECK(sent.missingBytes == 400 * 500);
  CHECK(pair.areEqual());
  CHECK(pair.receiver->heldRanges(kLog).value.size() == 1);
}

TEST("a huge hole takes no time, and adding ends when seeds are forgotten") {
  Pair pair;
  const std::string path = pair.seed("hole", {1, 2, 3});
  CHECK(::truncate(path.c_str(), 8LL << 40) == 0);
  CHECK(addSeed(*pair.receiver, path).ok());
  const std::string zeros = pair.seeds.path() + "/zeros";
  writeFile(zeros, Bytes(1, 1));
  CHECK(::truncate(zeros.c_str(), 8LL << 40) == 0);
  CHECK(addSeed(*pair.receiver, zeros).ok());
  CHECK(addSeed(*pair.receiver, zeros).ok());
  CHECK(pair.receiver->seeds().usage().files == 4);
  const std::uint64_t generation = pair.receiver->seeds().generation();
  pair.receiver->seeds().clear();
  CHECK(pair.receiver->seeds().add(zeros, generation).status.error == ECANCELED);
  CHECK(pair.receiver->seeds().usage().files == 0);
}

TEST("copies of what is known twice take no memory") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 30'000);
  pair.seed("file", bytes);
  pair.seed("copy", bytes);
  const std::uint64_t before = pair.receiver->seeds().usage().memoryBytes;
  for (int i = 0; i < 1000; i++) CHECK(addSeed(*pair.receiver, pair.seeds.path() + "/copy").ok());
  CHECK(pair.receiver->seeds().usage().memoryBytes <= before + 1024);
  CHECK(pair.receiver->seeds().usage().files == 1002);
  pair.ingest(bytes);
  CHECK(pair.send().missingBytes == 0);
}

TEST("a recipe that is damaged is refused, or names other chunks; nothing else happens") {
  auto random = seededRandom();
  Pair pair;
  const Bytes bytes = randomBytes(random, 60'000);
  pair.ingest(bytes);
  pair.seed("same", bytes);
  const Bytes frame = pair.sender->packRecipe(kLog, 0, endOf(*pair.sender), kRawBytesMax).value.frame;
  for (int round = 0; round < 3000; round++) {
    Bytes damaged = frame;
    for (std::uint64_t flips = 1 + random() % 3; flips > 0; flips--)
      damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    const auto stored = pair.receiver->storeRecipe(kLog, damaged.data(), damaged.size());
    CHECK(stored.ok() || stored.status.error == EBADMSG || stored.status.error == ENOSPC);
  }
  // Whatever was stored is right by its hash.
  for (const std::uint32_t segment : pair.receiver->segmentsOf(kLog)) {
    CHECK(pair.receiver->scrubSegment(kLog, segment).value.findings.empty());
  }
}

TEST("the worked example of docs/format/wire.md") {
  Recipe recipe{.start = 0, .chunks = {{5, {}}, {3, {}}}};
  recipe.chunks[0].hash.fill(0x11);
  recipe.chunks[1].hash.fill(0x22);
  Bytes expected{0x52, 0x01, 0x00, 0x02, 0x05};
  expected.insert(expected.end(), 16, 0x11);
  expected.push_back(0x03);
  expected.insert(expected.end(), 16, 0x22);
  CHECK(encodeRecipe(recipe) == expected);
}

int main() { return runTests(); }
