// The link lab's model of a link (bench/link/emulated_direction.h), under a clock of the test's own.
#include "../../bench/link/emulated_direction.h"

#include <array>
#include <cmath>

#include "check.h"

using packetfs::bench::Counters;
using packetfs::bench::EmulatedDirection;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::size_t kPacketBytes = 1000;  // 1 ms at the rate below
constexpr double kRate = 8e6;

struct Arrival {
  std::int64_t at;
  std::uint8_t mark;
};

/// Offers packets marked 0, 1, 2… at the given times and runs until all have arrived, looking every `step`.
std::vector<Arrival> arrivals(EmulatedDirection& link, const std::vector<std::int64_t>& offers,
                              std::int64_t step = kMillisecond / 10) {
  std::vector<Arrival> seen;
  std::size_t next = 0;
  for (std::int64_t now = 0; next < offers.size() || link.nextArrival() != EmulatedDirection::kNever; now += step) {
    for (; next < offers.size() && offers[next] <= now; next++) {
      const std::vector<std::uint8_t> packet(kPacketBytes, static_cast<std::uint8_t>(next));
      link.offer(now, packet);
    }
    link.arrive(now, [&](std::span<const std::uint8_t> packet) { seen.push_back({now, packet[0]}); });
  }
  return seen;
}

EmulatedDirection linkAt(double rate, std::uint64_t seed = 1) {
  EmulatedDirection link(seed);
  link.conditions.rate = rate;
  return link;
}

std::uint64_t accountedFor(const Counters& counters) {
  return counters.queueDrops + counters.lost + counters.cutDrops + counters.deliveredPackets - counters.duplicated;
}

}  // namespace

TEST("a packet arrives its time on the wire and the delay after it was offered") {
  EmulatedDirection link = linkAt(kRate);
  link.conditions.delay = 5 * kMillisecond;
  const auto seen = arrivals(link, {0});
  CHECK(seen.size() == 1);
  CHECK(seen[0].at == 6 * kMillisecond);
}

TEST("packets that are offered together leave one after the other, in order") {
  EmulatedDirection link = linkAt(kRate);
  const auto seen = arrivals(link, {0, 0, 0, 0});
  CHECK(seen.size() == 4);
  for (std::size_t i = 0; i < seen.size(); i++) {
    CHECK(seen[i].mark == i);
    CHECK(seen[i].at == static_cast<std::int64_t>(i + 1) * kMillisecond);
  }
}

TEST("what the queue has no room for is dropped at its tail and counted") {
  EmulatedDirection link = linkAt(kRate);
  link.conditions.queueBytes = 3 * kPacketBytes;
  const auto seen = arrivals(link, std::vector<std::int64_t>(10, 0));
  CHECK(seen.size() == 3);
  CHECK(seen.back().mark == 2);
  CHECK(link.counters().queueDrops == 7);
  CHECK(link.counters().queueBytesMost == 3 * kPacketBytes);
  CHECK(accountedFor(link.counters()) == link.counters().offeredPackets);
}

TEST("a packet that is lost has taken its time on the wire") {
  std::mt19937_64 random = packetfs::test::seededRandom();
  EmulatedDirection link = linkAt(kRate, random());
  link.conditions.loss = 0.5;
  const auto seen = arrivals(link, std::vector<std::int64_t>(64, 0));
  CHECK(link.counters().lost + seen.size() == 64);
  for (const Arrival& arrival : seen) CHECK(arrival.at == (arrival.mark + 1) * kMillisecond);
}

TEST("losses have the share and the mean run that were asked for") {
  std::mt19937_64 random = packetfs::test::seededRandom();
  for (const double burst : {1.0, 4.0}) {
    EmulatedDirection link = linkAt(1e15, random());
    link.conditions.loss = 0.03;
    link.conditions.lossBurst = burst;
    constexpr std::uint64_t kPackets = 400'000;
    const std::array<std::uint8_t, 40> packet{};
    std::uint64_t runs = 0;
    std::uint64_t lostBefore = 0;
    bool inRun = false;
    for (std::uint64_t i = 0; i < kPackets; i++) {
      link.offer(static_cast<std::int64_t>(i), packet);
      const bool isLost = link.counters().lost > lostBefore;
      if (isLost && !inRun) runs++;
      inRun = isLost;
      lostBefore = link.counters().lost;
    }
    const double share = static_cast<double>(lostBefore) / kPackets;
    const double run = static_cast<double>(lostBefore) / static_cast<double>(runs);
    // Within six standard deviations of what independent runs would have.
    CHECK(std::abs(share - 0.03) < 6 * std::sqrt(0.03 * 2 * burst / kPackets));
    CHECK(std::abs(run - (burst == 1 ? 1 / 0.97 : burst)) < 0.1 * burst);
  }
}

TEST("the same seed loses the same packets, another seed others") {
  const auto survivors = [](std::uint64_t seed) {
    EmulatedDirection link = linkAt(kRate, seed);
    link.conditions.loss = 0.3;
    std::vector<std::uint8_t> marks;
    for (const Arrival& arrival : arrivals(link, std::vector<std::int64_t>(200, 0))) marks.push_back(arrival.mark);
    return marks;
  };
  CHECK(survivors(7) == survivors(7));
  CHECK(survivors(7) != survivors(8));
}

TEST("a reordered packet is passed by those behind it") {
  EmulatedDirection link = linkAt(kRate, 3);
  link.conditions.reorder = 0.2;
  link.conditions.reorderDelay = 4 * kMillisecond;
  const auto seen = arrivals(link, std::vector<std::int64_t>(100, 0));
  CHECK(seen.size() == 100);
  std::size_t passed = 0;
  for (std::size_t i = 1; i < seen.size(); i++) passed += seen[i].mark < seen[i - 1].mark ? 1U : 0U;
  CHECK(link.counters().reordered > 0);
  CHECK(passed > 0);
}

TEST("a duplicated packet arrives twice, a corrupted one with one bit changed") {
  EmulatedDirection link = linkAt(kRate);
  link.conditions.duplicate = 1;
  CHECK(arrivals(link, {0, 0}).size() == 4);
  CHECK(accountedFor(link.counters()) == 2);

  EmulatedDirection noisy = linkAt(kRate);
  noisy.conditions.corrupt = 1;
  noisy.offer(0, std::vector<std::uint8_t>(kPacketBytes, 0));
  int bits = 0;
  noisy.arrive(kMillisecond, [&](std::span<const std::uint8_t> packet) {
    for (const std::uint8_t byte : packet) bits += __builtin_popcount(byte);
  });
  CHECK(bits == 1);
  CHECK(noisy.counters().corrupted == 1);
}

TEST("a cut link passes nothing, and what was on the way still arrives") {
  EmulatedDirection link = linkAt(kRate);
  link.conditions.delay = 5 * kMillisecond;
  const std::vector<std::uint8_t> packet(kPacketBytes, 9);
  link.offer(0, packet);
  link.conditions.cut = true;
  link.offer(1, packet);
  int delivered = 0;
  link.arrive(20 * kMillisecond, [&](std::span<const std::uint8_t>) { delivered++; });
  CHECK(delivered == 1);
  CHECK(link.counters().cutDrops == 1);
  link.conditions.cut = false;
  link.offer(20 * kMillisecond, packet);
  link.arrive(40 * kMillisecond, [&](std::span<const std::uint8_t>) { delivered++; });
  CHECK(delivered == 2);
}

int main() { return packetfs::test::runTests(); }
