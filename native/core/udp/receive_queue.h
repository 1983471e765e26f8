// Datagrams between the receiving thread and JavaScript: appended one by one, taken all at once. Bounded by
// kQueueBytesMost; what does not fit is dropped, as a full socket buffer would have done. Thread-safe.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "endpoint.h"

namespace packetfs {

constexpr std::size_t kQueueBytesMost = 32UL << 20;

struct ReceivedBatch {
  std::vector<std::uint8_t> bytes{};       // datagrams back to back
  std::vector<std::uint32_t> datagrams{};  // [offset, length, source] triples
  std::vector<std::uint32_t> ages{};       // of each: microseconds that it waited to be taken
  std::vector<Endpoint> sources{};
  int failure = 0;  // errno that ended the receiving
};

class ReceiveQueue {
 public:
  /// Splits `length` bytes into datagrams of `segment` bytes, the last one perhaps shorter; returns how many were
  /// dropped for want of room. `wake` is set when the queue was empty: the taker must be called.
  std::size_t append(const Endpoint& source, const std::uint8_t* bytes, std::size_t length, std::size_t segment,
                     bool& wake);
  /// Reports the end of the receiving; true when the taker must be called.
  bool fail(int errorNumber);
  ReceivedBatch take();

 private:
  std::uint32_t sourceIndex(const Endpoint& source);

  using Clock = std::chrono::steady_clock;

  std::mutex mutex_{};
  std::vector<Clock::time_point> arrivals_{};
  ReceivedBatch batch_{};
  std::unordered_map<std::string, std::uint32_t> sourceIndexes_{};
  std::size_t weightBytes_ = 0;
  bool announced_ = false;
};

}  // namespace packetfs
