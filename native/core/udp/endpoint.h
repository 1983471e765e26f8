// The address of one end of a UDP exchange, as text for JavaScript and as a sockaddr for the kernel. An IPv4 address is
// always written plainly, also where a dual-stack socket sees it as ::ffff:a.b.c.d.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "../base/result.h"

namespace packetfs {

class Endpoint {
 public:
  Endpoint() = default;
  /// Numeric addresses only (an IPv6 one may have a %scope); EINVAL otherwise.
  static Result<Endpoint> parse(const std::string& address, std::uint16_t port);
  static Endpoint of(const sockaddr_storage& storage);

  /// The same place as a socket of `family` names it; EAFNOSUPPORT for IPv6 on an IPv4 socket.
  [[nodiscard]] Result<Endpoint> inFamily(int family) const;
  [[nodiscard]] bool isWildcard() const;
  [[nodiscard]] int family() const { return family_; }
  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&place_); }
  [[nodiscard]] socklen_t length() const { return family_ == AF_INET ? sizeof place_.v4 : sizeof place_.v6; }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::uint16_t port() const;
  /// Equal for equal endpoints; for maps.
  [[nodiscard]] std::string_view key() const { return {reinterpret_cast<const char*>(&place_), length()}; }

 private:
  union Place {
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Place place_{.v6 = {}};
  int family_ = AF_INET6;
};

}  // namespace packetfs
