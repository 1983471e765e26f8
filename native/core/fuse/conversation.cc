// See conversation.h.
#include "conversation.h"

#include <algorithm>

namespace packetfs::fuse {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kShortWait{60};
/// After another request of the asker: an fsync of little takes half of it.
constexpr microseconds kNextWait{200};
constexpr microseconds kLongestWait{1000};
/// The thread was not running: an interrupt takes less, a slice of somebody else more.
constexpr microseconds kPause{500};
constexpr unsigned kFruitlessWaitsMax = 4;
/// In which waits are short after such a pause, or so many long waits in a row for nothing. Longer, and the threads
/// with which V8 compiles, or one fsync that takes long, make most of a second of short waits.
constexpr milliseconds kShortTime{20};

/// A wait that brings a request spares about as much as two take that bring none: going to sleep, being woken, and a
/// client that waits for both.
constexpr unsigned kCreditOfSuccess = 2;
/// Of the waits that are spared one in so many is tried, to see whether they would bring something again.
constexpr unsigned kSparedMax = 7;

constexpr unsigned kThreadBits = 32;

std::uint32_t threadOf(std::uint64_t heard) { return static_cast<std::uint32_t>(heard); }

}  // namespace

/// Of two that are heard at once one may not count; nothing but the length of a wait depends on it.
void Conversation::heard(std::uint32_t thread) {
  if (thread == 0) return;
  const std::uint64_t count = (lastHeard_.load(std::memory_order_relaxed) >> kThreadBits) + 1;
  lastHeard_.store(count << kThreadBits | thread, std::memory_order_relaxed);
}

void Conversation::begin(Time now, std::optional<std::uint32_t> asker, bool isBusy) {
  if (wait_.hasEnded || asker.has_value()) {
    if (!wait_.hasEnded) {
      fruitlessWaits_ = 0;
      credit_ = std::min(credit_ + kCreditOfSuccess, kCreditMax);
    }
    wait_ = {.began = now,
             .end = now + kShortWait,
             .lastHeard = lastHeard_.load(std::memory_order_relaxed),
             .asker = asker.value_or(0),
             .isShort = asker.value_or(0) == 0 || now < shortUntil_ || !hasSeveralProcessors_,
             .hasEnded = !isWorthWaiting()};
  }
  wait_.looked = now;
  if (isBusy) makeShort();
}

bool Conversation::isWorthWaiting() {
  if (credit_ > 0 || spared_ == kSparedMax) {
    spared_ = 0;
    return true;
  }
  spared_++;
  return false;
}

bool Conversation::goesOn(Time now) {
  if (wait_.hasEnded) return false;
  if (now - wait_.looked > kPause) {
    shortUntil_ = now + kShortTime;
    endForNothing();
    return false;
  }
  wait_.looked = now;
  const std::uint64_t last = lastHeard_.load(std::memory_order_relaxed);
  if (last != wait_.lastHeard) {
    wait_.lastHeard = last;
    if (threadOf(last) != wait_.asker) {
      makeShort();
    } else if (!wait_.isShort) {
      wait_.wasLong = true;
      wait_.end = std::min(now + kNextWait, wait_.began + kLongestWait);
    }
  }
  if (now < wait_.end) return true;
  endForNothing();
  if (wait_.wasLong && ++fruitlessWaits_ >= kFruitlessWaitsMax) {
    fruitlessWaits_ = 0;
    shortUntil_ = now + kShortTime;
  }
  return false;
}

void Conversation::endForNothing() {
  wait_.hasEnded = true;
  if (credit_ > 0) credit_--;
}

void Conversation::makeShort() {
  wait_.isShort = true;
  wait_.end = std::min(wait_.end, wait_.began + kShortWait);
}

}  // namespace packetfs::fuse
