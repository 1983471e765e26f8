// See thread_priority.h.
#include "thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace packetfs {

namespace {

/// Of 28 times the weight of a thread that computes: with less, one that works all the time has had its share soon, and
/// whatever it wakes takes the processor from it.
constexpr int kPreferredNice = -15;

bool setNice(int nice) { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice) == 0; }

}  // namespace

ThreadPriority::State ThreadPriority::firstState() {
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  if (errno != 0 || nice != 0 || ::sched_getscheduler(0) != SCHED_OTHER) return State::fixed;
  const sched_param none{};
  return ::sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0 ? State::normal : State::fixed;
}

void ThreadPriority::prefer(bool isPreferred) {
  if (state_ == State::unknown) state_ = firstState();
  const State wanted = isPreferred ? State::preferred : State::normal;
  if (state_ == State::fixed || state_ == wanted) return;
  state_ = setNice(isPreferred ? kPreferredNice : 0) ? wanted : State::fixed;
}

}  // namespace packetfs
