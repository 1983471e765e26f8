// AEAD: known answer, round trips in place, and what is not authentic.
#include "../../native/core/codec/aead.h"

#include <cstring>

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

std::unique_ptr<AeadKey> makeKey(AeadSuite suite, std::uint8_t fill) {
  std::array<std::uint8_t, kAeadKeyBytes> key;
  key.fill(fill);
  auto created = AeadKey::create(suite, key);
  CHECK(created.ok());
  return std::move(created.value);
}

}  // namespace

TEST("packets of every size open to what was sealed, and only with their number") {
  auto random = seededRandom();
  for (const AeadSuite suite : {AeadSuite::kAes256Gcm, AeadSuite::kChaCha20Poly1305}) {
    if (!AeadKey::isAvailable(suite)) continue;
    const auto key = makeKey(suite, 7);
    for (std::size_t length = 0; length < 600; length += 1 + length / 8) {
      const auto plain = randomBytes(random, 16 + length + kAeadTagBytes);
      auto packet = plain;
      const PacketPlace place{packet.data(), 16, length};
      key->seal(place, length);
      CHECK(std::memcmp(packet.data(), plain.data(), 16) == 0);
      CHECK(length < 8 || std::memcmp(packet.data() + 16, plain.data() + 16, length) != 0);
      auto other = packet;
      CHECK(!key->open({other.data(), 16, length}, length + 1));
      CHECK(key->open(place, length));
      CHECK(std::memcmp(packet.data(), plain.data(), 16 + length) == 0);
    }
  }
}

TEST("every flipped bit is noticed") {
  for (const AeadSuite suite : {AeadSuite::kAes256Gcm, AeadSuite::kChaCha20Poly1305}) {
    if (!AeadKey::isAvailable(suite)) continue;
    const auto key = makeKey(suite, 9);
    std::vector<std::uint8_t> sealed(16 + 40 + kAeadTagBytes, 3);
    key->seal({sealed.data(), 16, 40}, 1);
    for (std::size_t bit = 0; bit < sealed.size() * 8; bit++) {
      auto damaged = sealed;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      CHECK(!key->open({damaged.data(), 16, 40}, 1));
    }
  }
}

int main() { return runTests(); }
