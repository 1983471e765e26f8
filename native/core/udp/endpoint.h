// The address of one end of a UDP exchange, as text for JavaScript and as a sockaddr for the kernel; where it matters
// also which local address it is reached from. An IPv4 address is always written plainly, also where a dual-stack
// socket sees it as ::ffff:a.b.c.d.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "../base/result.h"

namespace packetfs {

/// ::ffff:a.b.c.d
in6_addr mappedAddress(const in_addr& address);

class Endpoint {
 public:
  Endpoint() = default;
  /// Numeric addresses only (an IPv6 one may have a %scope); EINVAL otherwise.
  static Result<Endpoint> parse(const std::string& address, std::uint16_t port);
  static Endpoint of(const sockaddr_storage& storage);

  /// The same place, reached from a local address (an IPv4 one as ::ffff:a.b.c.d).
  [[nodiscard]] Endpoint from(const in6_addr& local) const;
  [[nodiscard]] Endpoint from(const Endpoint& local) const;
  /// The same place as a socket of `family` names it; EAFNOSUPPORT for IPv6 on an IPv4 socket.
  [[nodiscard]] Result<Endpoint> inFamily(int family) const;
  [[nodiscard]] bool isWildcard() const;
  [[nodiscard]] int family() const { return family_; }
  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&ends_.place); }
  [[nodiscard]] socklen_t length() const { return family_ == AF_INET ? sizeof ends_.place.v4 : sizeof ends_.place.v6; }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] bool hasLocal() const { return !IN6_IS_ADDR_UNSPECIFIED(&ends_.local); }
  [[nodiscard]] const in6_addr& local() const { return ends_.local; }
  /// Empty where the kernel chooses.
  [[nodiscard]] std::string localAddress() const;
  /// Equal for equal endpoints; for maps.
  [[nodiscard]] std::string_view key() const { return {reinterpret_cast<const char*>(&ends_), sizeof ends_}; }

 private:
  union Place {
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  struct Ends {
    Place place{.v6 = {}};
    in6_addr local{};  // unspecified: any
  };
  Ends ends_{};  // what a family does not use is zero
  int family_ = AF_INET6;
};

}  // namespace packetfs
