// BLAKE3, CRC32C and zero detection against known answers and plain definitions.
#include "../../native/core/chunk/hash.h"

#include "../../native/core/chunk/hash_many_ways.h"
#include "../../native/core/simd/simd.h"

#include <cstring>
#include <string>

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

std::string hex(const Hash256& hash) {
  std::string text;
  for (const std::uint8_t byte : hash) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

std::uint32_t crcBitwise(const std::vector<std::uint8_t>& bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

/// The input of the official BLAKE3 test vectors: 0, 1, …, 250, 0, 1, …
std::vector<std::uint8_t> vectorInput(std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  for (std::size_t i = 0; i < length; i++) bytes[i] = static_cast<std::uint8_t>(i % 251);
  return bytes;
}

std::vector<decltype(&blake3KeyedMany)> waysToHashMany() {
  std::vector<decltype(&blake3KeyedMany)> ways = {blake3KeyedMany, blake3KeyedManyByLibrary};
#if defined(__x86_64__)
  if (isAvailable(Simd::kAvx512)) ways.push_back(blake3KeyedManyWide);
#endif
  return ways;
}

}  // namespace

TEST("BLAKE3 gives the answers of the official test vectors") {
  const auto input = vectorInput(1024);
  CHECK(hex(blake3(nullptr, 0)) == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  CHECK(hex(blake3(input.data(), 1024)) == "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7");
  ChunkKey key;
  std::memcpy(key.data(), "whats the Elvish word for friend", 32);
  CHECK(hex(blake3Keyed(key, nullptr, 0)) == "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26");
  CHECK(hex(blake3Keyed(key, input.data(), 1024)) ==
        "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4");
  const char* context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
  CHECK(hex(blake3DeriveKey(context, nullptr, 0)) ==
        "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d");
  CHECK(hex(blake3DeriveKey(context, input.data(), 1024)) ==
        "7356cd7720d5b66b6d0697eb3177d9f8d73a4a5c5e968896eb6a689684302706");
}

TEST("CRC32C gives the answers of RFC 3720 B.4") {
  std::vector<std::uint8_t> bytes(32, 0);
  CHECK(crc32c(bytes.data(), 32) == 0x8a9136aa);
  bytes.assign(32, 0xff);
  CHECK(crc32c(bytes.data(), 32) == 0x62a8ab43);
  for (std::uint8_t i = 0; i < 32; i++) bytes[i] = i;
  CHECK(crc32c(bytes.data(), 32) == 0x46dd794e);
  CHECK(crc32c(reinterpret_cast<const std::uint8_t*>("123456789"), 9) == 0xe3069283);
  CHECK(crc32c(nullptr, 0) == 0);
}

TEST("CRC32C equals its bitwise definition at every length and goes on from a seed") {
  auto random = seededRandom();
  for (int round = 0; round < 300; round++) {
    const auto bytes = randomBytes(random, random() % (round % 8 == 0 ? 40000 : 1000));
    const std::uint32_t whole = crcBitwise(bytes, 0);
    CHECK(crc32c(bytes.data(), bytes.size()) == whole);
    const std::size_t split = bytes.empty() ? 0 : random() % bytes.size();
    const std::uint32_t front = crc32c(bytes.data(), split);
    CHECK(crc32c(bytes.data() + split, bytes.size() - split, front) == whole);
  }
}

TEST("one set bit anywhere is not zero") {
  auto random = seededRandom();
  for (int round = 0; round < 400; round++) {
    std::vector<std::uint8_t> bytes(random() % 1200, 0);
    bytes.shrink_to_fit();
    CHECK(isZero(bytes.data(), bytes.size()));
    if (bytes.empty()) continue;
    bytes[random() % bytes.size()] = static_cast<std::uint8_t>(1U << random() % 8);
    CHECK(!isZero(bytes.data(), bytes.size()));
  }
}

TEST("many inputs at once have the hashes that each has alone, whatever their lengths") {
  auto random = seededRandom();
  ChunkKey key{};
  for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
  std::vector<std::uint8_t> bytes(200'000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  const std::size_t edges[] = {0, 1, 63, 64, 65, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 8192, 16'384, 16'385};
  for (int round = 0; round < 300; round++) {
    std::vector<ByteSpan> inputs(random() % 40);
    for (ByteSpan& input : inputs) {
      const std::size_t length = random() % 2 == 0 ? edges[random() % std::size(edges)] : random() % 65'537;
      input = ByteSpan(bytes).subspan(random() % (bytes.size() - length), length);
    }
    std::vector<Hash256> expected;
    for (const ByteSpan input : inputs) expected.push_back(blake3Keyed(key, input.data(), input.size()));
    for (const auto hashMany : waysToHashMany()) {
      std::vector<Hash256> hashes(inputs.size());
      hashMany(key, inputs, hashes);
      CHECK(hashes == expected);
    }
  }
}

int main() { return runTests(); }
