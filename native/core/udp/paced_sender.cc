// Queues by destination and the thread that empties them (paced_sender.h). Only the thread takes flights away, so it
// reads the one in front without the lock while the kernel takes it; callers only add behind it.
#include "paced_sender.h"

#include <pthread.h>

#include <algorithm>

namespace packetfs {

void PacedSender::stop() {
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
    const Clock::time_point now = Clock::now();
    if (sendDue(lock, now)) continue;
    wakesAt_ = now + kFullPause;
    changed_.wait_until(lock, wakesAt_);
  }
  sendDue(lock, Clock::time_point::max());
  for (const auto& [key, queue] : queues_) {
    for (const Flight& left : queue.flights) count(counters_.sendErrors, left.departures.size() - left.next);
  }
}

PacedSender::Clock::time_point PacedSender::earliestDeparture() const {
  Clock::time_point earliest = Clock::time_point::max();
  for (const auto& [key, queue] : queues_) {
    const Flight& flight = queue.flights.front();
    earliest = std::min(earliest, flight.departures[flight.next]);
  }
  return earliest;
}

bool PacedSender::sendDue(std::unique_lock<std::mutex>& lock, Clock::time_point now) {
  for (auto entry = queues_.begin(); entry != queues_.end();) {
    if (!sendDueOf(lock, entry->second, now)) return false;
    entry = entry->second.flights.empty() ? queues_.erase(entry) : std::next(entry);
  }
  return true;
}

bool PacedSender::sendDueOf(std::unique_lock<std::mutex>& lock, Queue& queue, Clock::time_point now) {
  while (!queue.flights.empty()) {
    Flight& flight = queue.flights.front();
    std::size_t due = flight.next;
    while (due < flight.departures.size() && flight.departures[due] <= now) due++;
    if (due == flight.next) return true;
    const std::span<const std::uint32_t> datagrams(flight.datagrams.data() + 2 * flight.next, 2 * (due - flight.next));
    lock.unlock();
    const Result<std::size_t> sent = sendNow(queue.destination, flight.bytes.data(), datagrams);
    lock.lock();
    // A failure settles all: the transport recovers from loss, and sendErrors counts it.
    const std::size_t settled = sent.ok() ? flight.next + sent.value : due;
    for (; flight.next < settled; flight.next++) queuedBytes_ -= flight.datagrams[2 * flight.next + 1];
    if (settled < due) return false;
    if (due < flight.departures.size()) return true;
    queue.flights.pop_front();
  }
  return true;
}

}  // namespace packetfs
