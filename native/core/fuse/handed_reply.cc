// See handed_reply.h.
#include "handed_reply.h"

#include <unistd.h>

#include <cstring>
#include <utility>

namespace packetfs::fuse {

namespace {

thread_local const ReplyTurn* turnOfNext = nullptr;

}  // namespace

std::uint64_t HandedReply::expect() {
  const std::uint64_t turn = state_.load(std::memory_order_relaxed) / kPhases + 1;
  state_.store(turn * kPhases + expected, std::memory_order_release);
  return turn;
}

/// False where it was not expected any more.
bool HandedReply::leave(std::uint64_t turn, Phase next) {
  std::uint64_t waiting = turn * kPhases + expected;
  return state_.compare_exchange_strong(waiting, turn * kPhases + next);
}

bool HandedReply::awaitMade() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + kWaitMax;
  while (true) {
    const std::uint64_t state = state_.load(std::memory_order_acquire);
    if (state % kPhases == made) return true;
    if (state % kPhases == idle) return false;
    if (Clock::now() >= end && leave(state / kPhases, idle)) return false;
  }
}

void HandedReply::release(std::uint64_t turn) { leave(turn, idle); }

/// A reply that the kernel refuses is of a request that it has given up, as libfuse takes it.
bool HandedReply::sendTo(int device) {
  if (!awaitMade()) return false;
  [[maybe_unused]] const ssize_t sent = ::write(device, bytes_.data(), length_);
  state_.store(state_.load(std::memory_order_relaxed) / kPhases * kPhases + idle, std::memory_order_release);
  underWay_->end();
  return true;
}

bool HandedReply::accept(std::uint64_t turn, const struct iovec* parts, int count) {
  std::size_t total = 0;
  for (int i = 0; i < count; i++) total += parts[i].iov_len;
  if (total > bytes_.size()) {
    release(turn);
    return false;
  }
  if (!leave(turn, filling)) return false;
  underWay_->begin();
  length_ = 0;
  for (int i = 0; i < count; i++) {
    std::memcpy(bytes_.data() + length_, parts[i].iov_base, parts[i].iov_len);
    length_ += parts[i].iov_len;
  }
  state_.store(turn * kPhases + made, std::memory_order_release);
  return true;
}

HandingOver::HandingOver(const ReplyTurn& turn) { turnOfNext = turn.reply == nullptr ? nullptr : &turn; }

HandingOver::~HandingOver() {
  if (const ReplyTurn* turn = std::exchange(turnOfNext, nullptr)) turn->reply->release(turn->number);
}

bool handOver(const struct iovec* parts, int count) {
  const ReplyTurn* turn = std::exchange(turnOfNext, nullptr);
  return turn != nullptr && turn->reply->accept(turn->number, parts, count);
}

}  // namespace packetfs::fuse
