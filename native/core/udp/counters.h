// What a UDP socket did; written by the sending and the receiving thread, read by anybody.
#pragma once
#include <atomic>
#include <cstdint>

namespace packetfs {

struct UdpCounters {
  std::atomic<std::uint64_t> packetsSent{0};  // datagrams that the kernel took
  std::atomic<std::uint64_t> bytesSent{0};
  std::atomic<std::uint64_t> packetsReceived{0};  // datagrams delivered or dropped here
  std::atomic<std::uint64_t> bytesReceived{0};
  std::atomic<std::uint64_t> sendErrors{0};  // datagrams that the kernel did not take: loss
  std::atomic<std::uint64_t> receiveErrors{0};
  std::atomic<std::uint64_t> receiveDropped{0};  // datagrams dropped because JavaScript lagged, or that were cut
  std::atomic<std::uint64_t> gsoBatches{0};      // sends of several datagrams in one go
  std::atomic<std::uint64_t> gsoFallbacks{0};    // times that a destination refused them
  std::atomic<std::uint64_t> groBatches{0};      // receives of several datagrams in one go
};

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace packetfs
