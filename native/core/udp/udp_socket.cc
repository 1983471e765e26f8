// Opening and configuring the socket (udp_socket.h).
#include "udp_socket.h"

#include <linux/sock_diag.h>
#include <netinet/udp.h>

#include <array>

namespace packetfs {

namespace {

constexpr int kBufferBytes = 7 << 20;

Status setOption(int socket, int level, int option, int value, const char* what) {
  if (setsockopt(socket, level, option, &value, sizeof value) == 0) return Status::success();
  return Status::failure(errno, std::string("cannot set ") + what);
}

/// More than the system's limit needs CAP_NET_ADMIN; without it the kernel grants what it allows, and bufferBytes
/// tells.
Status setBuffer(int socket, int forced, int plain, const char* what) {
  if (setOption(socket, SOL_SOCKET, forced, kBufferBytes, what).ok()) return Status::success();
  return setOption(socket, SOL_SOCKET, plain, kBufferBytes, what);
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(const Endpoint& wanted) {
  FileDescriptor descriptor(::socket(wanted.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.ok()) return Status::failure(errno, "cannot open a UDP socket");
  std::unique_ptr<UdpSocket> socket(new UdpSocket(std::move(descriptor), wanted.family()));
  const Status configured = socket->configure(wanted);
  if (!configured.ok()) return configured;
  const int number = socket->descriptor_.get();
  if (::bind(number, wanted.data(), wanted.length()) != 0) {
    return Status::failure(errno, "cannot bind to " + wanted.address() + " port " + std::to_string(wanted.port()));
  }
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (getsockname(number, reinterpret_cast<sockaddr*>(&local), &length) != 0) {
    return Status::failure(errno, "cannot tell the bound address");
  }
  socket->local_ = Endpoint::of(local);
  return socket;
}

Status UdpSocket::configure(const Endpoint& wanted) {
  const int socket = descriptor_.get();
  Status status = setBuffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, "the receive buffer");
  if (status.ok()) status = setBuffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, "the send buffer");
  if (status.ok()) status = setOption(socket, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER");
  if (status.ok()) status = setOption(socket, SOL_UDP, UDP_GRO, 1, "UDP_GRO");
  // A socket for every local address answers from the one that was asked.
  const int tellsLocal = wanted.isWildcard() ? 1 : 0;
  if (status.ok() && family_ == AF_INET) status = setOption(socket, SOL_IP, IP_PKTINFO, tellsLocal, "IP_PKTINFO");
  if (!status.ok() || family_ == AF_INET) return status;
  status = setOption(socket, SOL_IPV6, IPV6_RECVPKTINFO, tellsLocal, "IPV6_RECVPKTINFO");
  if (!status.ok()) return status;
  status = setOption(socket, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, "IPV6_MTU_DISCOVER");
  if (!status.ok()) return status;
  return setOption(socket, SOL_IPV6, IPV6_V6ONLY, wanted.isWildcard() ? 0 : 1, "IPV6_V6ONLY");
}

int UdpSocket::bufferBytes(int option) const {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  return getsockopt(descriptor_.get(), SOL_SOCKET, option, &bytes, &length) == 0 ? bytes : 0;
}

std::uint64_t UdpSocket::kernelDropped() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  getsockopt(descriptor_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length);
  return memory[SK_MEMINFO_DROPS];
}

Status UdpSocket::startReceiving(std::function<void()> wake) {
  if (receiver_ != nullptr) return Status::failure(EALREADY, "the socket is receiving already");
  auto started = UdpReceiver::start(descriptor_.get(), counters_, std::move(wake));
  if (!started.ok()) return started.status;
  receiver_ = std::move(started.value);
  return Status::success();
}

Result<std::size_t> UdpSocket::send(const Endpoint& destination, const std::uint8_t* bytes,
                                    std::span<const std::uint32_t> datagrams, std::span<const std::uint32_t> delays) {
  const Result<Endpoint> reachable = destination.inFamily(family_);
  if (!reachable.ok()) return reachable.status;
  return sender_.send(reachable.value, bytes, datagrams, delays);
}

}  // namespace packetfs
