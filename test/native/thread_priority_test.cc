// A thread is preferred alone, as long as it says so, and only where nobody chose its priority.
#include "../../native/core/base/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "check.h"

using packetfs::ThreadPriority;
using packetfs::test::runTests;

namespace {

int nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }
bool setNice(int value) { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), value) == 0; }

template <typename Body>
void inThread(Body body) {
  std::thread(body).join();
}

/// Whether this process may go below 0 at all.
bool mayPrefer() {
  bool may = false;
  inThread([&may] { may = setNice(-1); });
  return may;
}

/// Whatever priority the tests were started with: 0 where they may go there.
bool beginUsual() { return nice() == 0 || setNice(0); }

TEST("a thread is preferred until it says otherwise, and those that it makes are not") {
  inThread([] {
    if (!beginUsual()) return;
    ThreadPriority priority;
    priority.prefer(true);
    CHECK(mayPrefer() ? nice() < 0 : nice() == 0);
    inThread([] { CHECK(nice() == 0); });
    priority.prefer(false);
    CHECK(nice() == 0);
    priority.prefer(true);
    CHECK(mayPrefer() ? nice() < 0 : nice() == 0);
  });
}

TEST("so is one that another has preferred before") {
  inThread([] {
    if (!beginUsual()) return;
    for (int time = 0; time < 2; time++) {
      ThreadPriority priority;
      priority.prefer(true);
      CHECK(mayPrefer() ? nice() < 0 : nice() == 0);
      priority.prefer(false);
      CHECK(nice() == 0);
    }
  });
}

TEST("a nice value that was chosen stays, whenever that was") {
  constexpr int kChosen = 15;
  inThread([] {
    CHECK(setNice(kChosen));
    ThreadPriority priority;
    priority.prefer(true);
    CHECK(nice() == kChosen);
    priority.prefer(false);
    CHECK(nice() == kChosen);
  });
  inThread([] {
    if (!beginUsual()) return;
    ThreadPriority priority;
    priority.prefer(true);
    CHECK(setNice(kChosen));
    priority.prefer(false);
    CHECK(nice() == kChosen);
    priority.prefer(true);
    CHECK(nice() == kChosen);
  });
}

TEST("a policy that was chosen stays") {
  inThread([] {
    if (!beginUsual()) return;
    const sched_param none{};
    CHECK(::sched_setscheduler(0, SCHED_BATCH, &none) == 0);
    ThreadPriority priority;
    priority.prefer(true);
    CHECK(::sched_getscheduler(0) == SCHED_BATCH);
    CHECK(nice() == 0);
  });
}

}  // namespace

int main() { return runTests(); }
