// Endpoints to and from text (endpoint.h).
#include "endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <cstring>

namespace packetfs {

namespace {

constexpr std::size_t kMappedPrefixBytes = 12;  // of ::ffff:a.b.c.d

}  // namespace

in6_addr mappedAddress(const in_addr& address) {
  in6_addr mapped{};
  mapped.s6_addr[10] = 0xff;
  mapped.s6_addr[11] = 0xff;
  std::memcpy(mapped.s6_addr + kMappedPrefixBytes, &address, sizeof address);
  return mapped;
}

Result<Endpoint> Endpoint::parse(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), nullptr, &hints, &found) != 0) {
    return Status::failure(EINVAL, "'" + address + "' is not a numeric IP address");
  }
  sockaddr_storage storage{};
  std::memcpy(&storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  Endpoint endpoint = of(storage);
  (endpoint.family_ == AF_INET ? endpoint.ends_.place.v4.sin_port : endpoint.ends_.place.v6.sin6_port) = htons(port);
  return endpoint;
}

Endpoint Endpoint::of(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    endpoint.family_ = AF_INET;
    std::memcpy(&endpoint.ends_.place.v4, &storage, sizeof endpoint.ends_.place.v4);
    return endpoint;
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  v6.sin6_flowinfo = 0;
  if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    endpoint.ends_.place.v6 = v6;
    return endpoint;
  }
  endpoint.family_ = AF_INET;
  endpoint.ends_.place.v4 = {};
  endpoint.ends_.place.v4.sin_family = AF_INET;
  endpoint.ends_.place.v4.sin_port = v6.sin6_port;
  std::memcpy(&endpoint.ends_.place.v4.sin_addr, v6.sin6_addr.s6_addr + kMappedPrefixBytes, sizeof(in_addr));
  return endpoint;
}

Endpoint Endpoint::from(const in6_addr& local) const {
  Endpoint endpoint = *this;
  endpoint.ends_.local = local;
  return endpoint;
}

Endpoint Endpoint::from(const Endpoint& local) const {
  const Place& place = local.ends_.place;
  return from(local.family_ == AF_INET ? mappedAddress(place.v4.sin_addr) : place.v6.sin6_addr);
}

Result<Endpoint> Endpoint::inFamily(int family) const {
  if (family == family_) return *this;
  if (family == AF_INET) {
    return Status::failure(EAFNOSUPPORT, "an IPv4 socket cannot reach " + address());
  }
  Endpoint mapped;
  mapped.ends_.local = ends_.local;
  mapped.ends_.place.v6.sin6_family = AF_INET6;
  mapped.ends_.place.v6.sin6_port = ends_.place.v4.sin_port;
  mapped.ends_.place.v6.sin6_addr = mappedAddress(ends_.place.v4.sin_addr);
  return mapped;
}

bool Endpoint::isWildcard() const {
  if (family_ == AF_INET) return ends_.place.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&ends_.place.v6.sin6_addr);
}

std::string Endpoint::address() const {
  char text[NI_MAXHOST];
  if (getnameinfo(data(), length(), text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return "unknown";
  return text;
}

std::string Endpoint::localAddress() const {
  if (!hasLocal()) return {};
  sockaddr_in6 local{};
  local.sin6_family = AF_INET6;
  local.sin6_addr = ends_.local;
  sockaddr_storage storage{};
  std::memcpy(&storage, &local, sizeof local);
  return of(storage).address();
}

std::uint16_t Endpoint::port() const {
  return ntohs(family_ == AF_INET ? ends_.place.v4.sin_port : ends_.place.v6.sin6_port);
}

}  // namespace packetfs
