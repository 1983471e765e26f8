// What GRO joined is split into the datagrams that were sent, each with its source; what does not fit the bound is
// refused whole. The kernel gives lengths up to 64 KiB and segments of any size.
#include "../../native/core/udp/receive_queue.h"

#include <algorithm>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::size_t kOperationBytes = 5;
constexpr std::size_t kTriple = 3;
/// Of one case, for its speed: only every 64th may reach the bound of the queue.
constexpr std::size_t kDatagramsMost = 20'000, kBytesMost = 1U << 20;
constexpr std::uint32_t kCasesPerLarge = 64;

struct Expected {
  std::uint8_t source = 0;
  std::size_t start = 0;  // in the message
  std::size_t length = 0;
};

Endpoint sourceOf(std::uint8_t number) {
  sockaddr_storage storage{};
  if (number % 2 == 0) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(0x0a000000U + number);
    v4.sin_port = htons(number);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr.s6_addr[15] = number;
    v6.sin6_port = htons(number);
  }
  return Endpoint::of(storage);
}

std::vector<Expected> split(std::uint8_t source, std::size_t length, std::size_t segment) {
  std::vector<Expected> datagrams;
  const std::size_t size = segment == 0 ? std::max<std::size_t>(length, 1) : segment;
  for (std::size_t start = 0; start < length || start == 0; start += size) {
    datagrams.push_back({source, start, std::min(size, length - start)});
  }
  return datagrams;
}

void checkBatch(const ReceivedBatch& batch, const std::vector<Expected>& expected, const Bytes& message) {
  REQUIRE(batch.bytes.size() <= kQueueBytesMost);
  REQUIRE(batch.datagrams.size() == kTriple * expected.size());
  for (std::size_t i = 0; i < expected.size(); i++) {
    const std::size_t offset = batch.datagrams[kTriple * i], length = batch.datagrams[kTriple * i + 1];
    REQUIRE(length == expected[i].length && offset + length <= batch.bytes.size());
    REQUIRE(std::equal(batch.bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                       batch.bytes.begin() + static_cast<std::ptrdiff_t>(offset + length),
                       message.begin() + static_cast<std::ptrdiff_t>(expected[i].start)));
    const std::uint32_t source = batch.datagrams[kTriple * i + 2];
    REQUIRE(source < batch.sources.size());
    REQUIRE(batch.sources[source].key() == sourceOf(expected[i].source).key());
  }
}

}  // namespace

std::vector<Bytes> seeds() {
  const auto operation = [](Bytes& bytes, std::uint8_t source, std::uint16_t length, std::uint16_t segment) {
    for (const int value : {int{source}, length & 255, length >> 8, segment & 255, segment >> 8}) {
      bytes.push_back(static_cast<std::uint8_t>(value));
    }
  };
  Bytes several{1}, many{0};
  operation(several, 1, 4356, 1452);
  operation(several, 2, 3000, 1452);
  operation(several, 1, 0, 0);
  operation(several, 255, 0, 0);
  operation(several, 3, 5000, 1);
  for (int i = 0; i < 700; i++) operation(many, static_cast<std::uint8_t>(i % 100), 65'000, 0);
  return {several, many};
}

void fuzzOne(std::span<const std::uint8_t> input) {
  static const Bytes message = pattern(1U << 16);
  ReceiveQueue queue;
  std::vector<Expected> expected;
  bool isEmpty = true;
  Parameters parameters(input);
  const bool isLarge = parameters.take(1) % kCasesPerLarge == 0;
  std::size_t total = 0;
  while (parameters.rest().size() >= kOperationBytes && expected.size() < kDatagramsMost) {
    const auto source = static_cast<std::uint8_t>(parameters.take(1));
    const std::size_t length = parameters.take(2), segment = parameters.take(2);
    if (source == UINT8_MAX) {
      checkBatch(queue.take(), expected, message);
      expected.clear();
      isEmpty = true;
      continue;
    }
    total += length;
    if (!isLarge && total > kBytesMost) break;
    bool wake = false;
    const auto datagrams = split(source, length, segment);
    const std::size_t dropped = queue.append(sourceOf(source), message.data(), length, segment, wake);
    REQUIRE(dropped == 0 || dropped == datagrams.size());
    if (dropped > 0) continue;
    REQUIRE(wake == isEmpty);
    isEmpty = false;
    expected.insert(expected.end(), datagrams.begin(), datagrams.end());
  }
  checkBatch(queue.take(), expected, message);
}

}  // namespace packetfs::fuzz
