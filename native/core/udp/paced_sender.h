// Sends datagrams at the times the transport gives them, on a thread of its own, so that a late event loop neither
// starves the path nor bursts into its queue. A call of which nothing need wait, with nothing of its destination before
// it, sends at once, on the caller's thread. Each destination keeps its order. A datagram never leaves early, and up to
// kQuantum late, with those that are due by then.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "udp_sender.h"

namespace packetfs {

class PacedSender {
 public:
  static constexpr std::size_t kQueuedBytesMost = 8UL << 20;
  static constexpr std::chrono::microseconds kQuantum{500};
  static constexpr std::chrono::milliseconds kFullPause{1};  // before a full socket buffer is tried again

  PacedSender(int socket, UdpCounters& counters) : counters_(counters), sender_(socket, counters) {}
  PacedSender(const PacedSender&) = delete;
  PacedSender& operator=(const PacedSender&) = delete;
  ~PacedSender() { stop(); }

  /// `datagrams`: [offset, length] pairs into `bytes`, already checked; `delays`: microseconds from now for each, never
  /// decreasing, or none for at once. Copies what waits. Returns how many were taken, from the first on; the rest found
  /// the socket's buffer or the queue full and may be sent again. What waited goes on waiting while the socket's buffer
  /// is full; that it cannot be sent for another reason is loss, counted as sendErrors.
  Result<std::size_t> send(const Endpoint& destination, const std::uint8_t* bytes,
                           std::span<const std::uint32_t> datagrams, std::span<const std::uint32_t> delays);

  /// Sends what is queued at once, as far as the socket's buffer takes it, then joins the thread. Nothing may be sent
  /// afterwards.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  /// One call's datagrams, those before `next` sent.
  struct Flight {
    std::vector<std::uint8_t> bytes{};
    std::vector<std::uint32_t> datagrams{};
    std::vector<Clock::time_point> departures{};
    std::size_t next = 0;
  };
  struct Queue {
    explicit Queue(const Endpoint& to) : destination(to) {}
    const Endpoint destination;
    std::deque<Flight> flights{};
  };

  Result<std::size_t> sendNow(const Endpoint& destination, const std::uint8_t* bytes,
                              std::span<const std::uint32_t> datagrams);
  std::size_t enqueue(const Endpoint& destination, const std::uint8_t* bytes, std::span<const std::uint32_t> datagrams,
                      std::span<const std::uint32_t> delays);
  void run();
  [[nodiscard]] Clock::time_point earliestDeparture() const;
  /// Both return false where the socket's buffer was full.
  bool sendDue(std::unique_lock<std::mutex>& lock, Clock::time_point now);
  bool sendDueOf(std::unique_lock<std::mutex>& lock, Queue& queue, Clock::time_point now);

  UdpCounters& counters_;
  std::mutex sendMutex_{};  // of the sender; never held together with the other
  UdpSender sender_;
  std::mutex mutex_{};  // of all below
  std::condition_variable changed_{};
  std::map<std::string, Queue> queues_{};  // by destination; none is empty
  std::size_t queuedBytes_ = 0;
  Clock::time_point wakesAt_ = Clock::time_point::max();  // when the thread looks by itself
  bool stopping_ = false;
  std::thread thread_{};  // since the first datagram that had to wait
};

}  // namespace packetfs
