// Sends runs of datagrams to one destination: several of one size as one GSO message (UDP_SEGMENT, udp(7)), messages
// together with sendmmsg. What the kernel does not take for a passing reason is loss, not an error: the transport above
// recovers from loss anyhow. For one thread at a time.
#pragma once
#include <chrono>
#include <span>
#include <string>
#include <unordered_map>

#include "counters.h"
#include "endpoint.h"

namespace packetfs {

constexpr std::size_t kDatagramBytesMost = 65507;

class UdpSender {
 public:
  UdpSender(int socket, UdpCounters& counters) : socket_(socket), counters_(counters) {}

  /// `datagrams`: [offset, length] pairs into `bytes`, already checked. Returns how many of them, from the first on,
  /// are settled: taken by the kernel, or lost and counted as sendErrors. It stops where the socket's buffer is full
  /// (EAGAIN): the rest may be sent again. A failure is a mistake of the caller or of the system, and settles all.
  Result<std::size_t> send(const Endpoint& destination, const std::uint8_t* bytes,
                           std::span<const std::uint32_t> datagrams);

 private:
  using Clock = std::chrono::steady_clock;

  struct Attempt;
  enum class Outcome { kGoOn, kFull, kFailed };
  Outcome handleFailure(Attempt& attempt, int errorNumber);
  [[nodiscard]] bool mayJoin(const Endpoint& destination) const;
  void refuseJoining(const Endpoint& destination);

  int socket_;
  UdpCounters& counters_;
  std::unordered_map<std::string, Clock::time_point> joinAgainAt_{};  // destinations where GSO failed
};

}  // namespace packetfs
