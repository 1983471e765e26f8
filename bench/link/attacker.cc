// Sends datagrams at a rate to one receiver, from many addresses: what bench/link/hostile.ts attacks a transfer with.
//   attacker POOL TARGET PORT PEER PEER_PORT RATE COUNT SEED
// POOL holds datagrams (hostile-datagrams.ts), which are taken in a random order, again and again; those that claim so
// come from PEER and PEER_PORT, all others from 10.90.1.0 to 10.90.255.255 and any port. Prints
// {"sent":…,"failed":…,"seconds":…}.
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

constexpr std::size_t kBatch = 32;
constexpr std::uint32_t kSources = 0x0a5a0100;  // 10.90.1.0
constexpr std::uint32_t kSourceCount = 0xff00;
constexpr std::uint16_t kPortLeast = 1024;
constexpr std::int64_t kBehindMostNs = 20'000'000;  // later than this it does not catch up

struct Datagram {
  const std::uint8_t* bytes;
  std::uint16_t length;
  bool isOfPeer;
};

struct __attribute__((packed)) Header {
  iphdr ip;
  udphdr udp;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// xorshift64*: fast, and the same for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint32_t below(std::uint32_t bound) {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return static_cast<std::uint32_t>(((state_ * 0x2545f4914f6cdd1dULL) >> 32U) * bound >> 32U);
  }

 private:
  std::uint64_t state_;
};

std::vector<Datagram> datagramsOf(const std::vector<std::uint8_t>& pool) {
  std::vector<Datagram> datagrams;
  for (std::size_t at = 0; at + 3 <= pool.size();) {
    const auto length = static_cast<std::uint16_t>(pool[at] | pool[at + 1] << 8U);
    if (at + 3 + length > pool.size()) break;
    datagrams.push_back({pool.data() + at + 3, length, pool[at + 2] == 1});
    at += 3 + std::size_t{length};
  }
  return datagrams;
}

std::int64_t nowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void sleepUntil(std::int64_t atNs) {
  const timespec at{atNs / 1'000'000'000, atNs % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

struct Options {
  sockaddr_in target;
  sockaddr_in peer;
  double rate;
  std::uint64_t count;
  std::uint64_t seed;
};

class Attacker {
 public:
  Attacker(std::vector<Datagram> datagrams, const Options& options)
      : datagrams_(std::move(datagrams)), options_(options), random_(options.seed) {
    socket_ = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (socket_ < 0) die("attacker: raw socket");
  }

  void run() {
    const std::int64_t startedAt = nowNs();
    std::int64_t dueAt = startedAt;
    for (std::uint64_t left = options_.count; left > 0;) {
      const std::size_t count = left < kBatch ? left : kBatch;
      sleepUntil(dueAt);
      send(count);
      left -= count;
      dueAt += static_cast<std::int64_t>(1e9 * static_cast<double>(count) / options_.rate);
      if (dueAt < nowNs() - kBehindMostNs) dueAt = nowNs() - kBehindMostNs;
    }
    std::printf("{\"sent\":%llu,\"failed\":%llu,\"seconds\":%.3f}\n", static_cast<unsigned long long>(sent_),
                static_cast<unsigned long long>(failed_), static_cast<double>(nowNs() - startedAt) / 1e9);
  }

 private:
  void send(std::size_t count) {
    for (std::size_t i = 0; i < count; i++) prepare(i);
    for (std::size_t from = 0; from < count;) {
      const int taken = sendmmsg(socket_, messages_.data() + from, static_cast<unsigned>(count - from), 0);
      if (taken > 0) {
        sent_ += static_cast<std::uint64_t>(taken);
        from += static_cast<std::size_t>(taken);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) die("attacker: sending");
      failed_++;
      from++;
    }
  }

  void prepare(std::size_t index) {
    const Datagram& datagram = datagrams_[random_.below(static_cast<std::uint32_t>(datagrams_.size()))];
    Header& header = headers_[index];
    header = {};
    header.ip.version = 4;
    header.ip.ihl = 5;
    header.ip.ttl = 64;
    header.ip.protocol = IPPROTO_UDP;
    header.ip.tot_len = htons(static_cast<std::uint16_t>(sizeof header + datagram.length));
    header.ip.saddr = datagram.isOfPeer ? options_.peer.sin_addr.s_addr : htonl(kSources + random_.below(kSourceCount));
    header.ip.daddr = options_.target.sin_addr.s_addr;
    const auto port = static_cast<std::uint16_t>(kPortLeast + random_.below(UINT16_MAX - kPortLeast));
    header.udp.source = datagram.isOfPeer ? options_.peer.sin_port : htons(port);
    header.udp.dest = options_.target.sin_port;
    header.udp.len = htons(static_cast<std::uint16_t>(sizeof header.udp + datagram.length));  // no checksum
    parts_[2 * index] = {&header, sizeof header};
    parts_[2 * index + 1] = {const_cast<std::uint8_t*>(datagram.bytes), datagram.length};
    msghdr& message = messages_[index].msg_hdr;
    message = {};
    message.msg_name = &options_.target;
    message.msg_namelen = sizeof options_.target;
    message.msg_iov = &parts_[2 * index];
    message.msg_iovlen = 2;
  }

  std::vector<Datagram> datagrams_;
  Options options_;
  Random random_;
  int socket_ = -1;
  std::uint64_t sent_ = 0;
  std::uint64_t failed_ = 0;
  std::array<Header, kBatch> headers_{};
  std::array<iovec, 2 * kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

sockaddr_in placeOf(const char* address, const char* port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (inet_pton(AF_INET, address, &place.sin_addr) != 1) die("attacker: an address");
  return place;
}

}  // namespace

int main(int count, char** parameters) {
  if (count != 9) {
    std::fprintf(stderr, "usage: attacker POOL TARGET PORT PEER PEER_PORT RATE COUNT SEED\n");
    return 1;
  }
  std::ifstream file(parameters[1], std::ios::binary);
  const std::vector<std::uint8_t> pool{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto datagrams = datagramsOf(pool);
  if (datagrams.empty()) die("attacker: no datagrams");
  Attacker(std::move(datagrams), {.target = placeOf(parameters[2], parameters[3]),
                                  .peer = placeOf(parameters[4], parameters[5]),
                                  .rate = std::atof(parameters[6]),
                                  .count = std::strtoull(parameters[7], nullptr, 10),
                                  .seed = std::strtoull(parameters[8], nullptr, 10)})
      .run();
}
