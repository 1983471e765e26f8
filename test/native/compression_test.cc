// zstd frames: round trips, prefixes, and every kind of damage.
#include "../../native/core/codec/compression.h"

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

TEST("what was compressed comes back, at every level and of every size") {
  auto random = seededRandom();
  for (const int level : {1, 3, 19}) {
    for (const std::size_t length : {0UL, 1UL, 4096UL, 300000UL}) {
      auto bytes = randomBytes(random, length);
      for (std::size_t i = 0; i < length; i += 2) bytes[i] = 'a';
      const auto frame = compress(bytes.data(), length, level);
      CHECK(frame.ok());
      const auto back = decompress(frame.value.data(), frame.value.size(), length);
      CHECK(back.ok() && back.value == bytes);
    }
  }
}

TEST("a prefix makes the difference small and is needed to read it") {
  auto random = seededRandom();
  const auto old = randomBytes(random, 1 << 20);
  auto bytes = old;
  for (std::size_t i = 0; i < bytes.size(); i += 10000) bytes[i] ^= 1;
  const auto frame = compress(bytes.data(), bytes.size(), 3, old.data(), old.size());
  CHECK(frame.ok() && frame.value.size() < bytes.size() / 50);
  const auto back = decompress(frame.value.data(), frame.value.size(), bytes.size(), old.data(), old.size());
  CHECK(back.ok() && back.value == bytes);
  CHECK(decompress(frame.value.data(), frame.value.size(), bytes.size()).status.error == EBADMSG);
  const auto plain = compress(bytes.data(), bytes.size(), 3);  // the prefix was for one frame only
  CHECK(plain.ok() && plain.value.size() > bytes.size() * 9 / 10);
}

TEST("a wrong length, a flipped bit, a cut and a tail are refused") {
  auto random = seededRandom();
  auto bytes = randomBytes(random, 20000);
  for (std::size_t i = 0; i < bytes.size(); i += 2) bytes[i] = 'a';
  const auto frame = compress(bytes.data(), bytes.size(), 3);
  CHECK(frame.ok());
  CHECK(decompress(frame.value.data(), frame.value.size(), bytes.size() - 1).status.error == EBADMSG);
  CHECK(decompress(frame.value.data(), frame.value.size(), bytes.size() + 1).status.error == EBADMSG);
  CHECK(decompress(frame.value.data(), frame.value.size() - 1, bytes.size()).status.error == EBADMSG);
  CHECK(decompress(nullptr, 0, 0).status.error == EBADMSG);
  auto longer = frame.value;
  longer.push_back(0);
  CHECK(decompress(longer.data(), longer.size(), bytes.size()).status.error == EBADMSG);
  for (int round = 0; round < 500; round++) {
    auto damaged = frame.value;
    damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    const auto back = decompress(damaged.data(), damaged.size(), bytes.size());
    CHECK(!back.ok() || back.value == bytes);  // a few bits of the header carry no meaning
  }
}

TEST("a level out of range is refused") {
  CHECK(compress(nullptr, 0, 0).status.error == EINVAL);
  CHECK(compress(nullptr, 0, 20).status.error == EINVAL);
}

int main() { return runTests(); }
