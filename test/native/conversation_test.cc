// How long JavaScript waits for the next request without sleeping: longer for one thread that goes on asking, and not
// where others ask or compute, or where it was for nothing.
#include "../../native/core/fuse/conversation.h"

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;
using std::chrono::microseconds;

namespace {

constexpr std::uint32_t kAsker = 70;
constexpr std::uint32_t kAnother = 71;
constexpr long kShort = 60;
constexpr long kLongest = 1000;
const Conversation::Time kStart{std::chrono::hours(1)};

/// Microseconds until a wait for the asker ends, looking every 10; the thread that `asks` gives is heard then.
template <typename Asks>
long microsecondsWaited(Conversation& conversation, Conversation::Time from, Asks asks, std::uint32_t asker = kAsker) {
  Conversation::Wait wait = conversation.begin(from, asker);
  for (long time = 0;; time += 10) {
    if (time > 0) conversation.heard(asks(time));
    if (!conversation.goesOn(wait, from + microseconds(time))) return time;
  }
}

const auto nobody = [](long) { return 0U; };
const auto theAsker = [](long time) { return time % 100 == 50 ? kAsker : 0U; };
const auto theAskerOnce = [](long time) { return time == 50 ? kAsker : 0U; };

TEST("a wait in which nobody asks is short") {
  Conversation conversation(true);
  conversation.heard(kAsker);
  CHECK(microsecondsWaited(conversation, kStart, nobody) == kShort);
}

TEST("while the asker goes on the wait goes on, up to a millisecond") {
  Conversation conversation(true);
  CHECK(microsecondsWaited(conversation, kStart, theAsker) == kLongest);
}

TEST("it ends 200 us after the asker's last request") {
  Conversation conversation(true);
  CHECK(microsecondsWaited(conversation, kStart, theAskerOnce) == 250);
}

TEST("it is short where JavaScript answered nobody, where another thread goes on, and with one processor") {
  Conversation conversation(true);
  CHECK(microsecondsWaited(conversation, kStart, theAsker, 0) == kShort);
  CHECK(microsecondsWaited(conversation, kStart, theAsker, kAnother) == kShort);
  Conversation alone(false);
  CHECK(microsecondsWaited(alone, kStart, theAsker) == kShort);
}

TEST("it ends when another thread asks, and stays short whoever asks then") {
  Conversation conversation(true);
  CHECK(microsecondsWaited(conversation, kStart, [](long time) { return time == 300 ? kAnother : theAsker(time); }) ==
        300);
  CHECK(microsecondsWaited(conversation, kStart, [](long time) { return time == 10 ? kAnother : kAsker; }) == kShort);
}

TEST("a thread that was heard before the wait, and then no more, does not shorten it") {
  Conversation conversation(true);
  conversation.heard(kAnother);
  CHECK(microsecondsWaited(conversation, kStart, theAskerOnce) == 250);
}

TEST("where others take the processor away it is short for a tenth of a second; an interrupt does not count") {
  for (const long pause : {400L, 600L}) {
    Conversation conversation(true);
    Conversation::Wait wait = conversation.begin(kStart, kAsker);
    CHECK(conversation.goesOn(wait, kStart + microseconds(10)));
    const Conversation::Time back = kStart + microseconds(10 + pause);
    CHECK(!conversation.goesOn(wait, back));
    const bool wasTakenAway = pause > 500;
    CHECK(microsecondsWaited(conversation, back + microseconds(90'000), theAskerOnce) == (wasTakenAway ? kShort : 250));
    CHECK(microsecondsWaited(conversation, back + microseconds(100'000), theAskerOnce) == 250);
  }
}

TEST("two long waits for nothing make the next ones short for a tenth of a second, unless one between succeeded") {
  const Conversation::Time later = kStart + microseconds(10'000);
  Conversation conversation(true);
  for (int turn = 0; turn < 2; turn++) CHECK(microsecondsWaited(conversation, kStart, theAskerOnce) == 250);
  CHECK(microsecondsWaited(conversation, later, theAskerOnce) == kShort);
  CHECK(microsecondsWaited(conversation, later + microseconds(100'000), theAskerOnce) == 250);
  conversation.succeeded();
  CHECK(microsecondsWaited(conversation, later + microseconds(200'000), theAskerOnce) == 250);
  CHECK(microsecondsWaited(conversation, later + microseconds(200'000), theAskerOnce) == 250);
}

}  // namespace

int main() { return runTests(); }
