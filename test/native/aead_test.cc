// AEAD: the same bytes as libsodium's, round trips in place, and what is not authentic.
#include "../../native/core/codec/aead.h"

#include <sodium.h>

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

std::array<std::uint8_t, crypto_aead_aes256gcm_NPUBBYTES> nonceOf(std::uint64_t number) {
  std::array<std::uint8_t, crypto_aead_aes256gcm_NPUBBYTES> nonce{};
  std::memcpy(nonce.data(), &number, sizeof number);
  return nonce;
}

}  // namespace

TEST("libsodium makes the same packet of AES-256-GCM, and what either sealed the other opens or refuses") {
  if (!AeadKey::isAvailable(AeadSuite::kAes256Gcm) || crypto_aead_aes256gcm_is_available() == 0) return;
  constexpr std::size_t kHeaderBytesMost = 40;
  constexpr std::size_t kBodyBytesMost = 9000;
  auto random = seededRandom();
  for (int round = 0; round < 2000; round++) {
    const auto secret = randomBytes(random, kAeadKeyBytes);
    const auto created = AeadKey::create(AeadSuite::kAes256Gcm, std::span<const std::uint8_t, 32>(secret.data(), 32));
    CHECK(created.ok());
    const std::size_t header = random() % kHeaderBytesMost;
    // Half of them short, so that every length of a last block comes up.
    const std::size_t body = random() % (round % 2 == 0 ? 300 : kBodyBytesMost);
    const std::uint64_t number = random();
    const auto nonce = nonceOf(number);
    const auto plain = randomBytes(random, header + body + kAeadTagBytes);
    auto packet = plain;
    created.value->seal({packet.data(), header, body}, number);
    auto expected = plain;
    crypto_aead_aes256gcm_encrypt_detached(expected.data() + header, expected.data() + header + body, nullptr,
                                           plain.data() + header, body, plain.data(), header, nullptr, nonce.data(),
                                           secret.data());
    CHECK(packet == expected);
    if (round % 4 == 0) expected[random() % expected.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    auto theirs = expected;
    const bool isAuthentic =
        crypto_aead_aes256gcm_decrypt_detached(theirs.data() + header, nullptr, expected.data() + header, body,
                                               expected.data() + header + body, expected.data(), header, nonce.data(),
                                               secret.data()) == 0;
    CHECK(created.value->open({expected.data(), header, body}, number) == isAuthentic);
    CHECK(isAuthentic == (round % 4 != 0));
    if (isAuthentic) CHECK(std::memcmp(expected.data(), plain.data(), header + body) == 0);
  }
}

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
