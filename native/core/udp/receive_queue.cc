// The queue between threads (receive_queue.h). The bound counts what a datagram costs beside its bytes, so that neither
// empty datagrams nor forged sources grow the memory.
#include "receive_queue.h"

#include <algorithm>
#include <utility>

namespace packetfs {

namespace {

constexpr std::size_t kDatagramWeightBytes = 4 * sizeof(std::uint32_t) + sizeof(std::chrono::steady_clock::time_point);
constexpr std::size_t kSourceWeightBytes = 256;

}  // namespace

std::uint32_t ReceiveQueue::sourceIndex(const Endpoint& source) {
  if (!batch_.sources.empty() && batch_.sources.back().key() == source.key()) {
    return static_cast<std::uint32_t>(batch_.sources.size() - 1);
  }
  const auto [entry, isNew] =
      sourceIndexes_.try_emplace(std::string(source.key()), static_cast<std::uint32_t>(batch_.sources.size()));
  if (isNew) {
    batch_.sources.push_back(source);
    weightBytes_ += kSourceWeightBytes;
  }
  return entry->second;
}

std::size_t ReceiveQueue::append(const Endpoint& source, const std::uint8_t* bytes, std::size_t length,
                                 std::size_t segment, bool& wake) {
  if (segment == 0) segment = length == 0 ? 1 : length;
  const std::size_t count = length == 0 ? 1 : (length + segment - 1) / segment;
  const std::lock_guard lock(mutex_);
  if (weightBytes_ + length + count * kDatagramWeightBytes > kQueueBytesMost) return count;
  const std::uint32_t index = sourceIndex(source);
  arrivals_.insert(arrivals_.end(), count, Clock::now());
  for (std::size_t start = 0; start < length || start == 0; start += segment) {
    const std::size_t size = length - start < segment ? length - start : segment;
    batch_.datagrams.push_back(static_cast<std::uint32_t>(batch_.bytes.size() + start));
    batch_.datagrams.push_back(static_cast<std::uint32_t>(size));
    batch_.datagrams.push_back(index);
  }
  batch_.bytes.insert(batch_.bytes.end(), bytes, bytes + length);
  weightBytes_ += length + count * kDatagramWeightBytes;
  wake = !std::exchange(announced_, true);
  return 0;
}

bool ReceiveQueue::fail(int errorNumber) {
  const std::lock_guard lock(mutex_);
  batch_.failure = errorNumber;
  return !std::exchange(announced_, true);
}

ReceivedBatch ReceiveQueue::take() {
  const std::lock_guard lock(mutex_);
  announced_ = false;
  weightBytes_ = 0;
  sourceIndexes_.clear();
  const Clock::time_point now = Clock::now();
  batch_.ages.reserve(arrivals_.size());
  for (const Clock::time_point arrival : arrivals_) {
    const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - arrival).count();
    batch_.ages.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(age, UINT32_MAX)));
  }
  arrivals_.clear();
  return std::exchange(batch_, {});
}

}  // namespace packetfs
