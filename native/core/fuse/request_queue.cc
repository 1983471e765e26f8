// See request_queue.h. One mutex guards the batch and the table of pending requests; it is never held while a request
// is answered or JavaScript is woken.
#include "request_queue.h"

#include <sched.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace packetfs::fuse {

namespace {

template <typename Integer>
void put(std::uint8_t* target, Integer value) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");
  std::memcpy(target, &value, sizeof value);
}

}  // namespace

RequestRecord::RequestRecord(Opcode opcode, fuse_ino_t inode, std::string_view name)
    : opcode_(opcode), inode_(inode), name_(name) {}

RequestRecord& RequestRecord::u32(std::uint32_t value) {
  put(fields_.data() + fieldsBytes_, value);
  fieldsBytes_ += sizeof value;
  return *this;
}

RequestRecord& RequestRecord::u64(std::uint64_t value) {
  put(fields_.data() + fieldsBytes_, value);
  fieldsBytes_ += sizeof value;
  return *this;
}

RequestRecord& RequestRecord::bytes(std::string_view value) {
  trailing_ = value;
  return *this;
}

void RequestQueue::open(std::function<bool()> wake) {
  std::lock_guard guard(mutex_);
  wake_ = std::move(wake);
  closed_ = false;
}

void RequestQueue::close() {
  std::lock_guard guard(mutex_);
  closed_ = true;
}

void RequestQueue::append(const RequestRecord& record, std::uint64_t id, const struct fuse_ctx* caller) {
  const std::size_t length =
      alignRecord(kRequestHeaderBytes + record.fieldsBytes_ + record.name_.size() + record.trailing_.size());
  const std::size_t at = batch_.size();
  batch_.resize(at + length);  // zero-filled: the padding too
  std::uint8_t* bytes = batch_.data() + at;
  isEmpty_.store(false, std::memory_order_relaxed);
  put(bytes, static_cast<std::uint32_t>(length));
  put(bytes + 4, static_cast<std::uint16_t>(record.opcode_));
  put(bytes + 6, static_cast<std::uint16_t>(record.name_.size()));
  put(bytes + 8, id);
  put(bytes + 16, static_cast<std::uint64_t>(record.inode_));
  if (caller != nullptr) {
    put(bytes + 24, static_cast<std::uint32_t>(caller->uid));
    put(bytes + 28, static_cast<std::uint32_t>(caller->gid));
    put(bytes + 32, static_cast<std::uint32_t>(caller->pid));
    put(bytes + 36, static_cast<std::uint32_t>(caller->umask));
  }
  bytes += kRequestHeaderBytes;
  std::memcpy(bytes, record.fields_.data(), record.fieldsBytes_);
  bytes += record.fieldsBytes_;
  if (!record.name_.empty()) std::memcpy(bytes, record.name_.data(), record.name_.size());
  bytes += record.name_.size();
  if (!record.trailing_.empty()) std::memcpy(bytes, record.trailing_.data(), record.trailing_.size());
}

bool RequestQueue::isAwaited(std::uint32_t thread) const {
  return thread != 0 && awaited_.load(std::memory_order_relaxed) == thread &&
         processor_.load(std::memory_order_relaxed) != ::sched_getcpu();
}

void RequestQueue::push(const RequestRecord& record, PendingRequest pending) {
  bool mustWake = false;
  std::uint64_t id = 0;
  {
    std::lock_guard guard(mutex_);
    if (!closed_) {
      id = nextId_++;
      const struct fuse_ctx* caller = fuse_req_ctx(pending.request);
      append(record, id, caller);
      noteAsker(static_cast<std::uint32_t>(caller->pid));
      pending_.emplace(id, pending);
      mustWake = becomesAwake();
    }
  }
  if (id == 0) {
    fuse_reply_err(pending.request, ENODEV);
    return;
  }
  if (mustWake && !wake_()) {
    const PendingRequest unanswered = resolve(id);
    if (unanswered.request != nullptr) fuse_reply_err(unanswered.request, ENODEV);
  }
}

void RequestQueue::notify(const RequestRecord& record) {
  bool mustWake = false;
  {
    std::lock_guard guard(mutex_);
    if (closed_) return;
    append(record, 0, nullptr);
    mustWake = !looksAgain_ && becomesAwake();
  }
  if (mustWake) wake_();
}

bool RequestQueue::hasRoom() const {
  constexpr std::size_t kWaitingBytesMax = 256U * 1024;
  std::lock_guard guard(mutex_);
  return !closed_ && batch_.size() - taken_ <= kWaitingBytesMax;
}

std::size_t RequestQueue::waitingBytes() const {
  std::lock_guard guard(mutex_);
  return batch_.size() - taken_;
}

void RequestQueue::post(const RequestRecord& record, std::uint32_t thread) {
  bool mustWake = false;
  {
    std::lock_guard guard(mutex_);
    if (closed_) return;
    append(record, 0, nullptr);
    noteAsker(thread);
    mustWake = becomesAwake();
  }
  if (mustWake) wake_();
}

bool RequestQueue::becomesAwake() { return !std::exchange(awake_, true); }

/// Not while a request is unanswered: what JavaScript does for it goes on when it is back in its loop. Without giving
/// the processor away: where others want it, it would come back a slice later.
void RequestQueue::pollForNext(bool isBusy) {
  using Clock = std::chrono::steady_clock;
  std::optional<std::uint32_t> asker{};
  {
    std::lock_guard guard(mutex_);
    if (!pending_.empty() || taken_ < batch_.size()) return;
    asker = std::exchange(asker_, std::nullopt);
  }
  conversation_.begin(Clock::now(), asker, isBusy);
  awaited_.store(conversation_.asker(), std::memory_order_relaxed);
  do {
    processor_.store(::sched_getcpu(), std::memory_order_relaxed);
  } while (isEmpty_.load(std::memory_order_relaxed) && conversation_.goesOn(Clock::now()));
  awaited_.store(0, std::memory_order_relaxed);
}

void RequestQueue::noteAsker(std::uint32_t thread) {
  if (!asker_) asker_ = thread;
  if (*asker_ != thread) asker_ = 0;
}

std::size_t RequestQueue::take(std::span<std::uint8_t> target, bool looksAgain, bool isBusy) {
  if (looksAgain) pollForNext(isBusy);
  std::lock_guard guard(mutex_);
  const std::size_t length = wholeRecords(target.size());
  awake_ = length > 0;
  looksAgain_ = looksAgain;
  if (length == 0) return 0;
  std::memcpy(target.data(), batch_.data() + taken_, length);
  taken_ += length;
  if (taken_ == batch_.size()) {
    batch_.clear();
    taken_ = 0;
    isEmpty_.store(true, std::memory_order_relaxed);
  }
  return length;
}

/// Length of the oldest records that fit into `room`.
std::size_t RequestQueue::wholeRecords(std::size_t room) const {
  const std::size_t waiting = batch_.size() - taken_;
  if (waiting <= room) return waiting;
  std::size_t length = 0;
  while (true) {
    std::uint32_t next = 0;
    std::memcpy(&next, batch_.data() + taken_ + length, sizeof next);
    if (length + next > room) return length;
    length += next;
  }
}

PendingRequest RequestQueue::resolve(std::uint64_t id) {
  std::lock_guard guard(mutex_);
  const auto found = pending_.find(id);
  if (found == pending_.end()) return {};
  const PendingRequest pending = found->second;
  pending_.erase(found);
  return pending;
}

std::vector<PendingRequest> RequestQueue::drain() {
  std::lock_guard guard(mutex_);
  std::vector<PendingRequest> all;
  all.reserve(pending_.size());
  for (const auto& [id, pending] : pending_) all.push_back(pending);
  pending_.clear();
  return all;
}

std::size_t RequestQueue::pendingCount() const {
  std::lock_guard guard(mutex_);
  return pending_.size();
}

}  // namespace packetfs::fuse
