// One direction of an emulated link, without clocks or devices: what becomes of each packet that is offered, and which
// packets have arrived. A packet waits in a drop-tail queue, takes its time on the wire at the link's rate, is perhaps
// lost, corrupted or duplicated there, and arrives after the delay; a reordered one takes longer, so that others pass
// it. Losses come in bursts after Gilbert and Elliott ("Capacity of a burst-noise channel", 1960): a bad state that
// loses everything is left with probability 1 / burst at each packet. Same seed and offers, same fate.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace packetfs::bench {

/// Times in nanoseconds, rates in bits per second of IP packets, shares of packets between 0 and 1.
struct Conditions {
  double rate = 1e9;
  std::int64_t delay = 0;
  double queueBytes = 1 << 20;
  double loss = 0;
  double lossBurst = 1;  // mean length of a run of lost packets; at 1 each packet's loss is independent
  double reorder = 0;
  std::int64_t reorderDelay = 0;
  double duplicate = 0;
  double corrupt = 0;
  bool cut = false;
};

/// Packets and bytes since the link was made. offered = queueDrops + lost + cutDrops + (delivered or on the way) less
/// the duplicates.
struct Counters {
  std::uint64_t offeredPackets = 0, offeredBytes = 0;
  std::uint64_t deliveredPackets = 0, deliveredBytes = 0;
  std::uint64_t queueDrops = 0, lost = 0, cutDrops = 0;
  std::uint64_t reordered = 0, duplicated = 0, corrupted = 0;
  std::uint64_t queueBytesMost = 0;
};

class EmulatedDirection {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  explicit EmulatedDirection(std::uint64_t seed) : random_(seed) {}

  Conditions conditions;

  [[nodiscard]] const Counters& counters() const { return counters_; }

  /// A packet comes to the link at `now`, which never goes back.
  void offer(std::int64_t now, std::span<const std::uint8_t> packet) {
    counters_.offeredPackets++;
    counters_.offeredBytes += packet.size();
    if (conditions.cut) {
      counters_.cutDrops++;
      return;
    }
    const double waiting = static_cast<double>(std::max<std::int64_t>(0, freeAt_ - now)) * conditions.rate / kBitTime;
    if (waiting + static_cast<double>(packet.size()) > conditions.queueBytes) {
      counters_.queueDrops++;
      return;
    }
    counters_.queueBytesMost = std::max(counters_.queueBytesMost, static_cast<std::uint64_t>(waiting) + packet.size());
    const double onWire = static_cast<double>(packet.size()) * kBitTime / conditions.rate;
    freeAt_ = std::max(now, freeAt_) + std::llround(onWire);
    if (isLost()) {
      counters_.lost++;
      return;
    }
    std::int64_t arrival = freeAt_ + conditions.delay;
    if (happens(conditions.reorder)) {
      counters_.reordered++;
      arrival += conditions.reorderDelay;
    }
    std::vector<std::uint8_t> bytes = takeSpare();
    bytes.assign(packet.begin(), packet.end());
    if (happens(conditions.corrupt)) {
      counters_.corrupted++;
      bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1U << below(8));
    }
    if (happens(conditions.duplicate)) {
      counters_.duplicated++;
      push({arrival, order_++, bytes});
    }
    push({arrival, order_++, std::move(bytes)});
  }

  /// When the next packet arrives; kNever when none is on the way.
  [[nodiscard]] std::int64_t nextArrival() const { return onTheWay_.empty() ? kNever : onTheWay_.front().arrival; }

  /// Hands the packets that have arrived to `deliver`, in order of arrival.
  template <typename Deliver>
  void arrive(std::int64_t now, Deliver&& deliver) {
    while (nextArrival() <= now) {
      std::pop_heap(onTheWay_.begin(), onTheWay_.end(), isLater);
      std::vector<std::uint8_t> bytes = std::move(onTheWay_.back().bytes);
      onTheWay_.pop_back();
      counters_.deliveredPackets++;
      counters_.deliveredBytes += bytes.size();
      deliver(std::span<const std::uint8_t>(bytes));
      if (spare_.size() < kSpareMost) spare_.push_back(std::move(bytes));
    }
  }

 private:
  static constexpr double kBitTime = 8e9;  // nanoseconds a byte takes at one bit per second
  static constexpr std::size_t kSpareMost = 4096;

  struct Flight {
    std::int64_t arrival;
    std::uint64_t order;
    std::vector<std::uint8_t> bytes;
  };

  static bool isLater(const Flight& left, const Flight& right) {
    return left.arrival != right.arrival ? left.arrival > right.arrival : left.order > right.order;
  }

  void push(Flight flight) {
    onTheWay_.push_back(std::move(flight));
    std::push_heap(onTheWay_.begin(), onTheWay_.end(), isLater);
  }

  std::vector<std::uint8_t> takeSpare() {
    if (spare_.empty()) return {};
    std::vector<std::uint8_t> bytes = std::move(spare_.back());
    spare_.pop_back();
    return bytes;
  }

  bool isLost() {
    if (conditions.loss <= 0) return false;
    if (conditions.lossBurst <= 1) return happens(conditions.loss);
    const double leave = 1 / conditions.lossBurst;
    const double enter = std::min(1.0, conditions.loss * leave / std::max(1e-9, 1 - conditions.loss));
    bad_ = happens(bad_ ? 1 - leave : enter);
    return bad_;
  }

  bool happens(double share) { return share > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < share; }
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

  std::mt19937_64 random_;
  std::vector<Flight> onTheWay_;  // a heap, the next to arrive in front
  std::vector<std::vector<std::uint8_t>> spare_;
  std::uint64_t order_ = 0;
  std::int64_t freeAt_ = 0;  // when the wire has sent all that was queued
  bool bad_ = false;
  Counters counters_;
};

}  // namespace packetfs::bench
