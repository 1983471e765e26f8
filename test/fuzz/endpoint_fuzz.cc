// Addresses as text and as the kernel gives them: what parses is the same after it was written and parsed again.
#include "../../native/core/udp/endpoint.h"

#include <algorithm>
#include <cstring>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::size_t kMappedZeros = 10;  // of ::ffff:a.b.c.d

void checkReturns(const Endpoint& endpoint) {
  const auto again = Endpoint::parse(endpoint.address(), endpoint.port());
  REQUIRE(again.ok());
  REQUIRE(again.value.family() == endpoint.family());
  REQUIRE(again.value.key() == endpoint.key());
  REQUIRE(again.value.isWildcard() == endpoint.isWildcard());
}

}  // namespace

std::vector<Bytes> seeds() {
  std::vector<Bytes> all;
  for (const std::string text :
       {"10.0.0.1", "::", "0.0.0.0", "::ffff:10.1.2.3", "2001:db8::1:2", "fe80::1%lo", "1", "0x7f.1"}) {
    Bytes seed{0x39, 0x1d};
    seed.insert(seed.end(), text.begin(), text.end());
    all.push_back(seed);
  }
  return all;
}

void fuzzOne(std::span<const std::uint8_t> input) {
  Parameters parameters(input);
  const auto port = static_cast<std::uint16_t>(parameters.take(2));
  const auto rest = parameters.rest();
  const auto parsed = Endpoint::parse(std::string(rest.begin(), rest.end()), port);
  if (parsed.ok()) {
    REQUIRE(parsed.value.port() == port);
    checkReturns(parsed.value);
  }
  // As a dual-stack socket tells an IPv6 and an IPv4 source.
  sockaddr_storage storage{};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_flowinfo = htonl(static_cast<std::uint32_t>(rest.size()));
  auto* const address = v6.sin6_addr.s6_addr;
  std::copy_n(rest.begin(), std::min(rest.size(), sizeof v6.sin6_addr), address);
  REQUIRE(Endpoint::of(storage).port() == port);
  checkReturns(Endpoint::of(storage));
  std::fill_n(address, kMappedZeros, std::uint8_t{0});
  std::fill_n(address + kMappedZeros, 2, std::uint8_t{0xff});
  REQUIRE(Endpoint::of(storage).family() == AF_INET && Endpoint::of(storage).port() == port);
  checkReturns(Endpoint::of(storage));
}

}  // namespace packetfs::fuzz
