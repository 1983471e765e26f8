// Queues by destination and the thread that empties them (paced_sender.h). Only the thread takes flights away, so it
// reads the one in front without the lock while the kernel takes it; callers only add behind it.
#include "paced_sender.h"

#include <pthread.h>

#include <algorithm>

namespace packetfs {

PacedSender::~PacedSender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<std::size_t> PacedSender::send(const Endpoint& destination, const std::uint8_t* bytes,
                                      std::span<const std::uint32_t> datagrams, std::span<const std::uint32_t> delays) {
  const bool mustWait = !delays.empty() && delays.back() > 0;
  std::unique_lock lock(mutex_);
  if (!mustWait && !queues_.contains(std::string(destination.key()))) {
    lock.unlock();
    return sendNow(destination, bytes, datagrams);
  }
  return enqueue(destination, bytes, datagrams, delays);
}

Result<std::size_t> PacedSender::sendNow(const Endpoint& destination, const std::uint8_t* bytes,
                                         std::span<const std::uint32_t> datagrams) {
  const std::lock_guard lock(sendMutex_);
  return sender_.send(destination, bytes, datagrams);
}

std::size_t PacedSender::enqueue(const Endpoint& destination, const std::uint8_t* bytes,
                                 std::span<const std::uint32_t> datagrams, std::span<const std::uint32_t> delays) {
  const Clock::time_point now = Clock::now();
  const std::size_t count = datagrams.size() / 2;
  Flight flight;
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; i++) total += datagrams[2 * i + 1];
  flight.bytes.reserve(total);
  flight.datagrams.reserve(datagrams.size());
  flight.departures.reserve(count);
  std::size_t taken = 0;
  for (; taken < count; taken++) {
    const std::uint32_t length = datagrams[2 * taken + 1];
    if (queuedBytes_ + length > kQueuedBytesMost) break;
    const std::uint8_t* start = bytes + datagrams[2 * taken];
    flight.datagrams.push_back(static_cast<std::uint32_t>(flight.bytes.size()));
    flight.datagrams.push_back(length);
    flight.bytes.insert(flight.bytes.end(), start, start + length);
    flight.departures.push_back(now + std::chrono::microseconds(delays.empty() ? 0 : delays[taken]));
    queuedBytes_ += length;
  }
  packetfs::count(counters_.sendErrors, count - taken);
  if (taken == 0) return 0;
  const Clock::time_point first = flight.departures.front();
  Queue& queue = queues_.try_emplace(std::string(destination.key()), destination).first->second;
  queue.flights.push_back(std::move(flight));
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "pfs-udp-send");
  } else if (first + kQuantum < wakesAt_) {
    changed_.notify_one();
  }
  return taken;
}

void PacedSender::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Clock::time_point earliest = earliestDeparture();
    if (earliest == Clock::time_point::max()) {
      wakesAt_ = earliest;
      changed_.wait(lock);
      continue;
    }
    wakesAt_ = earliest + kQuantum;
    if (Clock::now() < wakesAt_) changed_.wait_until(lock, wakesAt_);
    sendDue(lock, Clock::now());
  }
  sendDue(lock, Clock::time_point::max());
}

PacedSender::Clock::time_point PacedSender::earliestDeparture() const {
  Clock::time_point earliest = Clock::time_point::max();
  for (const auto& [key, queue] : queues_) {
    const Flight& flight = queue.flights.front();
    earliest = std::min(earliest, flight.departures[flight.next]);
  }
  return earliest;
}

void PacedSender::sendDue(std::unique_lock<std::mutex>& lock, Clock::time_point now) {
  for (auto entry = queues_.begin(); entry != queues_.end();) {
    sendDueOf(lock, entry->second, now);
    entry = entry->second.flights.empty() ? queues_.erase(entry) : std::next(entry);
  }
}

void PacedSender::sendDueOf(std::unique_lock<std::mutex>& lock, Queue& queue, Clock::time_point now) {
  while (!queue.flights.empty()) {
    Flight& flight = queue.flights.front();
    std::size_t end = flight.next;
    while (end < flight.departures.size() && flight.departures[end] <= now) {
      queuedBytes_ -= flight.datagrams[2 * end + 1];
      end++;
    }
    if (end == flight.next) return;
    const std::span<const std::uint32_t> due(flight.datagrams.data() + 2 * flight.next, 2 * (end - flight.next));
    lock.unlock();
    // A failure is loss: the transport recovers from it, and sendErrors counts it.
    (void)sendNow(queue.destination, flight.bytes.data(), due);
    lock.lock();
    flight.next = end;
    if (end < flight.departures.size()) return;
    queue.flights.pop_front();
  }
}

}  // namespace packetfs
