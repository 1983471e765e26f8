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
constexpr unsigned kFruitlessWaitsMax = 2;
/// In which waits are short after such a pause, or so many long waits for nothing.
constexpr milliseconds kShortTime{100};

constexpr unsigned kThreadBits = 32;

std::uint32_t threadOf(std::uint64_t heard) { return static_cast<std::uint32_t>(heard); }

}  // namespace

/// Of two that are heard at once one may not count; nothing but the length of a wait depends on it.
void Conversation::heard(std::uint32_t thread) {
  if (thread == 0) return;
  const std::uint64_t count = (lastHeard_.load(std::memory_order_relaxed) >> kThreadBits) + 1;
  lastHeard_.store(count << kThreadBits | thread, std::memory_order_relaxed);
}

Conversation::Wait Conversation::begin(Time now, std::uint32_t asker) const {
  return {.began = now,
          .looked = now,
          .end = now + kShortWait,
          .lastHeard = lastHeard_.load(std::memory_order_relaxed),
          .asker = asker,
          .isShort = asker == 0 || now < shortUntil_ || !hasSeveralProcessors_};
}

bool Conversation::goesOn(Wait& wait, Time now) {
  if (now - wait.looked > kPause) {
    shortUntil_ = now + kShortTime;
    return false;
  }
  wait.looked = now;
  const std::uint64_t last = lastHeard_.load(std::memory_order_relaxed);
  if (last != wait.lastHeard) {
    wait.lastHeard = last;
    if (threadOf(last) != wait.asker) {
      wait.isShort = true;
      wait.end = std::min(wait.end, wait.began + kShortWait);
    } else if (!wait.isShort) {
      wait.wasLong = true;
      wait.end = std::min(now + kNextWait, wait.began + kLongestWait);
    }
  }
  if (now < wait.end) return true;
  if (wait.wasLong && ++fruitlessWaits_ >= kFruitlessWaitsMax) {
    fruitlessWaits_ = 0;
    shortUntil_ = now + kShortTime;
  }
  return false;
}

}  // namespace packetfs::fuse
