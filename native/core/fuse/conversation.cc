// See conversation.h.
#include "conversation.h"

#include <algorithm>

namespace packetfs::fuse {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kShortWait{60};
/// After another request of the same program: an fsync of little takes half of it.
constexpr microseconds kNextWait{200};
/// Timers and the network get a turn after it.
constexpr microseconds kLongestWait{1000};
/// The thread was not running: an interrupt takes less, a slice of somebody else more.
constexpr microseconds kPause{500};
constexpr milliseconds kCrowdedTime{100};

constexpr unsigned kCallerBits = 32;

std::uint32_t callerOf(std::uint64_t last) { return static_cast<std::uint32_t>(last); }

}  // namespace

/// Of two threads that are heard at once one may not count; nothing but the length of a wait depends on it.
void Conversation::heard(std::uint32_t caller) {
  if (caller == 0) return;
  const std::uint64_t count = (last_.load(std::memory_order_relaxed) >> kCallerBits) + 1;
  last_.store(count << kCallerBits | caller, std::memory_order_relaxed);
}

Conversation::Wait Conversation::begin(Time now) const {
  return {.began = now, .looked = now, .end = now + kShortWait, .last = last_.load(std::memory_order_relaxed)};
}

bool Conversation::goesOn(Wait& wait, Time now) {
  if (now - wait.looked > kPause) {
    crowdedUntil_ = now + kCrowdedTime;
    return false;
  }
  wait.looked = now;
  const std::uint64_t last = last_.load(std::memory_order_relaxed);
  if (last != wait.last) {
    const bool isSame = callerOf(last) == callerOf(wait.last);
    wait.last = last;
    if (!isSame) {
      wait.end = std::min(wait.end, wait.began + kShortWait);
    } else if (now >= crowdedUntil_) {
      wait.end = std::min(now + kNextWait, wait.began + kLongestWait);
    }
  }
  return now < wait.end;
}

}  // namespace packetfs::fuse
