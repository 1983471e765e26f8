// Packets: what was sealed opens to the same with its number alone, and neither a change of any byte nor arbitrary
// bytes do.
#include "../../native/core/codec/aead.h"

#include <algorithm>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::size_t kHeaderBytes = 16;

bool open(const AeadKey& key, Bytes packet, std::uint64_t number, Bytes& opened) {
  const std::size_t body = packet.size() - kHeaderBytes - kAeadTagBytes;
  const bool isAuthentic = key.open({packet.data(), kHeaderBytes, body}, number);
  packet.resize(kHeaderBytes + body);
  opened = std::move(packet);
  return isAuthentic;
}

void checkSuite(AeadSuite suite, std::span<const std::uint8_t> input) {
  constexpr std::array<std::uint8_t, kAeadKeyBytes> kKey{1, 2, 3};
  static const auto chaCha = AeadKey::create(AeadSuite::kChaCha20Poly1305, kKey);
  static const auto aes = AeadKey::create(AeadSuite::kAes256Gcm, kKey);
  const AeadKey& key = *(suite == AeadSuite::kAes256Gcm ? aes : chaCha).value;
  Parameters parameters(input);
  const std::uint64_t number = parameters.take(4);
  const std::uint32_t changedAt = parameters.take(2), changedBit = parameters.take(1) % 8;
  Bytes opened;
  Bytes plain(parameters.rest().begin(), parameters.rest().end());
  if (plain.size() >= kHeaderBytes + kAeadTagBytes) REQUIRE(!open(key, plain, number, opened));
  if (plain.size() < kHeaderBytes) plain.resize(kHeaderBytes);

  Bytes sealed = plain;
  sealed.resize(plain.size() + kAeadTagBytes);
  key.seal({sealed.data(), kHeaderBytes, plain.size() - kHeaderBytes}, number);
  REQUIRE(open(key, sealed, number, opened) && opened == plain);
  REQUIRE(!open(key, sealed, number + 1, opened));
  sealed[changedAt % sealed.size()] ^= static_cast<std::uint8_t>(1U << changedBit);
  REQUIRE(!open(key, sealed, number, opened));
}

}  // namespace

std::vector<Bytes> seeds() { return {pattern(7), pattern(40), pattern(200), pattern(1459)}; }

void fuzzOne(std::span<const std::uint8_t> input) {
  checkSuite(AeadSuite::kChaCha20Poly1305, input);
  if (AeadKey::isAvailable(AeadSuite::kAes256Gcm)) checkSuite(AeadSuite::kAes256Gcm, input);
}

}  // namespace packetfs::fuzz
