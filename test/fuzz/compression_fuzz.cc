// zstd frames with a declared size: what unpacks has that size, whatever the frame says, and what was packed comes
// back, with a prefix too.
#include "../../native/core/codec/compression.h"

#include <algorithm>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::uint32_t kDeclaredBytesMost = 1U << 20;

Bytes seedOf(std::size_t length, int level) {
  const Bytes plain = pattern(length);
  const Bytes frame = compress(plain.data(), plain.size(), level).value;
  Bytes seed;
  append32(seed, static_cast<std::uint32_t>(length));
  seed.insert(seed.end(), frame.begin(), frame.end());
  return seed;
}

void checkReturns(std::span<const std::uint8_t> plain, std::span<const std::uint8_t> prefix, int level) {
  const auto frame = compress(plain.data(), plain.size(), level, prefix.data(), prefix.size());
  REQUIRE(frame.ok());
  const auto back = decompress(frame.value.data(), frame.value.size(), plain.size(), prefix.data(), prefix.size());
  REQUIRE(back.ok() && std::ranges::equal(back.value, plain));
  REQUIRE(!decompress(frame.value.data(), frame.value.size(), plain.size() + 1).ok());
}

}  // namespace

std::vector<Bytes> seeds() { return {seedOf(0, 1), seedOf(1, 1), seedOf(300, 3), seedOf(70'000, 3), seedOf(5000, 19)}; }

void fuzzOne(std::span<const std::uint8_t> input) {
  Parameters parameters(input);
  const std::uint32_t declared = parameters.take(4) % (kDeclaredBytesMost + 1);
  const auto frame = parameters.rest();
  const auto unpacked = decompress(frame.data(), frame.size(), declared);
  REQUIRE(!unpacked.ok() || unpacked.value.size() == declared);
  checkReturns(frame, {}, 1);
  const std::size_t half = frame.size() / 2;
  checkReturns(frame.subspan(half), frame.first(half), 3);
}

}  // namespace packetfs::fuzz
