// GSO with fall-back for each destination (udp_sender.h).
#include "udp_sender.h"

#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "passing_errors.h"

namespace packetfs {

namespace {

constexpr std::size_t kMessagesMost = 32;        // of one sendmmsg
constexpr std::size_t kSegmentsMost = 64;        // UDP_MAX_SEGMENTS of Linux before 6.7
constexpr std::size_t kJoinedBytesMost = 65000;  // an IP packet, less headers of either family
constexpr std::size_t kMappedPrefixBytes = 12;   // of ::ffff:a.b.c.d
constexpr std::size_t kRefusalsMost = 1024;
constexpr std::chrono::seconds kRefusalLasts{60};  // routes and devices change

bool isLoss(int errorNumber) {
  const bool isForbidden = errorNumber == EPERM || errorNumber == EACCES;  // a firewall's rule
  return isForbidden || errorNumber == EADDRNOTAVAIL || isPassingError(errorNumber);
}

}  // namespace

/// One call of send(): the datagrams not yet tried, and the messages of the next sendmmsg.
struct UdpSender::Attempt {
  const Endpoint& destination;
  const std::uint8_t* bytes;
  std::span<const std::uint32_t> datagrams;
  bool join;
  bool suspectsJoining = false;  // a joined message was refused, and perhaps for being joined
  std::size_t next = 0;          // index of the first datagram not yet settled
  std::size_t taken = 0;
  int failure = 0;

  std::array<mmsghdr, kMessagesMost> messages{};
  std::array<std::size_t, kMessagesMost> segments{};  // datagrams in each message
  std::array<iovec, kMessagesMost * kSegmentsMost> vectors{};
  struct alignas(cmsghdr) Control {
    std::uint8_t bytes[CMSG_SPACE(sizeof(std::uint16_t)) + CMSG_SPACE(sizeof(in6_pktinfo))];
  };
  std::array<Control, kMessagesMost> controls{};

  [[nodiscard]] std::size_t count() const { return datagrams.size() / 2; }
  [[nodiscard]] std::size_t lengthOf(std::size_t index) const { return datagrams[index * 2 + 1]; }

  /// How many datagrams from `first` on can go as one message: equal sizes, the last one perhaps shorter.
  [[nodiscard]] std::size_t runLength(std::size_t first) const {
    const std::size_t size = lengthOf(first);
    if (!join || size == 0) return 1;
    std::size_t end = first + 1;
    std::size_t total = size;
    while (end < count() && end - first < kSegmentsMost) {
      const std::size_t length = lengthOf(end);
      if (length == 0 || length > size || total + length > kJoinedBytesMost) break;
      total += length;
      end++;
      if (length < size) break;
    }
    return end - first;
  }

  void fillMessage(std::size_t index, std::size_t first, std::size_t run) {
    iovec* parts = vectors.data() + index * kSegmentsMost;
    for (std::size_t i = 0; i < run; i++) {
      parts[i] = {const_cast<std::uint8_t*>(bytes) + datagrams[(first + i) * 2], lengthOf(first + i)};
    }
    messages[index] = {};
    segments[index] = run;
    msghdr& header = messages[index].msg_hdr;
    header.msg_name = const_cast<sockaddr*>(destination.data());
    header.msg_namelen = destination.length();
    header.msg_iov = parts;
    header.msg_iovlen = run;
    header.msg_control = controls[index].bytes;
    if (run > 1) addControl(header, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(lengthOf(first)));
    if (destination.hasLocal()) addLocal(header);
  }

  /// The address that the message leaves from.
  void addLocal(msghdr& header) const {
    if (destination.family() == AF_INET6) {
      in6_pktinfo information{};
      information.ipi6_addr = destination.local();
      addControl(header, SOL_IPV6, IPV6_PKTINFO, information);
      return;
    }
    in_pktinfo information{};
    std::memcpy(&information.ipi_spec_dst, destination.local().s6_addr + kMappedPrefixBytes, sizeof(in_addr));
    addControl(header, SOL_IP, IP_PKTINFO, information);
  }

  /// Behind those that the message has; there is room for one of each.
  template <typename Value>
  static void addControl(msghdr& header, int level, int type, const Value& value) {
    auto* control = reinterpret_cast<cmsghdr*>(static_cast<std::uint8_t*>(header.msg_control) + header.msg_controllen);
    *control = {.cmsg_len = CMSG_LEN(sizeof value), .cmsg_level = level, .cmsg_type = type};
    std::memcpy(CMSG_DATA(control), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
  }

  /// Returns the number of messages.
  unsigned fill() {
    unsigned used = 0;
    for (std::size_t first = next; first < count() && used < kMessagesMost; used++) {
      const std::size_t run = runLength(first);
      fillMessage(used, first, run);
      first += run;
    }
    return used;
  }
};

Result<std::size_t> UdpSender::send(const Endpoint& destination, const std::uint8_t* bytes,
                                    std::span<const std::uint32_t> datagrams) {
  Attempt attempt{destination, bytes, datagrams, mayJoin(destination)};
  Outcome outcome = Outcome::kGoOn;
  while (attempt.next < attempt.count() && outcome == Outcome::kGoOn) {
    const unsigned messages = attempt.fill();
    const int sent = sendmmsg(socket_, attempt.messages.data(), messages, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      outcome = handleFailure(attempt, errno);
      continue;
    }
    if (attempt.suspectsJoining) refuseJoining(attempt.destination);
    attempt.suspectsJoining = false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(sent); i++) {
      count(counters_.bytesSent, attempt.messages[i].msg_len);
      if (attempt.segments[i] > 1) count(counters_.gsoBatches);
      attempt.taken += attempt.segments[i];
      attempt.next += attempt.segments[i];
    }
  }
  if (outcome == Outcome::kFailed) attempt.next = attempt.count();
  count(counters_.packetsSent, attempt.taken);
  count(counters_.sendErrors, attempt.next - attempt.taken);
  if (outcome == Outcome::kFailed) return Status::failure(attempt.failure, "cannot send to " + destination.address());
  return attempt.next;
}

/// The first message of the attempt failed (sendmmsg tells an error only when nothing went out).
UdpSender::Outcome UdpSender::handleFailure(Attempt& attempt, int errorNumber) {
  const std::size_t run = attempt.segments[0];
  if (errorNumber == EINTR) return Outcome::kGoOn;
  if (errorNumber == EAGAIN) return Outcome::kFull;
  if (run > 1 && (errorNumber == EIO || errorNumber == EINVAL || errorNumber == EMSGSIZE)) {
    // Alone, the datagrams tell whether one of them is too long, for which some kernels say EINVAL.
    attempt.suspectsJoining = errorNumber != EMSGSIZE;
    attempt.join = false;
    return Outcome::kGoOn;
  }
  if (errorNumber == EMSGSIZE) {
    attempt.suspectsJoining = false;
    attempt.join = mayJoin(attempt.destination);
  }
  const bool localIsGone = errorNumber == EINVAL && attempt.destination.hasLocal();
  if (!isLoss(errorNumber) && !localIsGone) {
    attempt.failure = errorNumber;
    return Outcome::kFailed;
  }
  attempt.next += run;
  return Outcome::kGoOn;
}

bool UdpSender::mayJoin(const Endpoint& destination) const {
  if (joinAgainAt_.empty()) return true;
  const auto refusal = joinAgainAt_.find(std::string(destination.key()));
  return refusal == joinAgainAt_.end() || Clock::now() >= refusal->second;
}

void UdpSender::refuseJoining(const Endpoint& destination) {
  count(counters_.gsoFallbacks);
  if (joinAgainAt_.size() >= kRefusalsMost) joinAgainAt_.clear();
  joinAgainAt_[std::string(destination.key())] = Clock::now() + kRefusalLasts;
}

}  // namespace packetfs
