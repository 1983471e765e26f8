// See byte_run.h.
#include "byte_run.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

namespace packetfs {
namespace {

using Memory = std::unique_ptr<std::uint8_t[]>;

/// Buffers of kStreamBytes that nobody uses.
class Pool {
 public:
  Memory take() {
    std::lock_guard guard(mutex_);
    if (free_.empty()) return nullptr;
    Memory buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }

  void put(Memory buffer) {
    std::lock_guard guard(mutex_);
    if (free_.size() < ByteRun::kPooledBuffersMax) free_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_{};
  std::vector<Memory> free_{};
};

Pool& pool() {
  static Pool shared;
  return shared;
}

Memory allocate(std::size_t capacity) {
  if (capacity == ByteRun::kStreamBytes) {
    if (Memory pooled = pool().take()) return pooled;
  }
  return std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
}

}  // namespace

ByteRun::~ByteRun() { release(); }

ByteRun::ByteRun(ByteRun&& other) noexcept
    : memory_(std::move(other.memory_)),
      capacity_(std::exchange(other.capacity_, 0)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

ByteRun& ByteRun::operator=(ByteRun&& other) noexcept {
  if (this == &other) return *this;
  release();
  memory_ = std::move(other.memory_);
  capacity_ = std::exchange(other.capacity_, 0);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  return *this;
}

ByteRun ByteRun::forStream() {
  ByteRun run;
  run.move(kStreamBytes, kFrontBytes);
  return run;
}

void ByteRun::append(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  const std::size_t needed = size() + bytes.size();
  if (end_ + bytes.size() > capacity_) {
    if (needed <= capacity_ / 2) {  // the front has the room
      move(capacity_, 0);
    } else if (needed > (kStreamBytes - kFrontBytes) / 4 && needed <= kStreamBytes - kFrontBytes) {
      move(kStreamBytes, kFrontBytes);
    } else {
      move(std::max(needed, 2 * size()), 0);
    }
  }
  std::memcpy(memory_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ByteRun::prepend(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  if (begin_ < bytes.size()) move(size() + 2 * bytes.size() + kFrontBytes, bytes.size() + kFrontBytes);
  begin_ -= bytes.size();
  std::memcpy(memory_.get() + begin_, bytes.data(), bytes.size());
}

void ByteRun::dropFront(std::size_t count) {
  begin_ += count;
  if (capacity_ == kStreamBytes && size() < kStreamBytes / 8) *this = ByteRun(bytes());
}

/// To memory of this capacity, with so much room in front; the same memory where the capacity stays.
void ByteRun::move(std::size_t capacity, std::size_t front) {
  const std::size_t held = size();
  if (capacity == capacity_) {
    std::memmove(memory_.get() + front, data(), held);
  } else {
    Memory memory = allocate(capacity);
    if (held > 0) std::memcpy(memory.get() + front, data(), held);
    release();
    memory_ = std::move(memory);
    capacity_ = capacity;
  }
  begin_ = front;
  end_ = front + held;
}

void ByteRun::release() {
  if (capacity_ == kStreamBytes) pool().put(std::move(memory_));
  memory_.reset();
  capacity_ = 0;
}

}  // namespace packetfs
