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

id_t thisThread() { return static_cast<id_t>(::gettid()); }

/// -1 is an answer and an error: errno tells.
bool hasNice(int nice) {
  errno = 0;
  return ::getpriority(PRIO_PROCESS, thisThread()) == nice && errno == 0;
}

bool setNice(int nice) { return ::setpriority(PRIO_PROCESS, thisThread(), nice) == 0; }

bool hasUsualPolicy() { return (::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER; }

bool keepFromChildren() {
  const sched_param none{};
  return ::sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0;
}

}  // namespace

void ThreadPriority::prefer(bool isPreferred) {
  if (isPreferred) {
    if (!isRaised_ && !mayNot_) raise();
  } else if (isRaised_) {
    lower();
  }
}

void ThreadPriority::raise() {
  if (!hasNice(0) || !hasUsualPolicy()) return;
  isRaised_ = keepFromChildren() && setNice(kPreferredNice);
  mayNot_ = !isRaised_;
}

void ThreadPriority::lower() {
  isRaised_ = false;
  if (hasNice(kPreferredNice)) setNice(0);
}

}  // namespace packetfs
