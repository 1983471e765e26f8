// How long JavaScript waits for the next request without sleeping: longer for one thread that goes on asking, and not
// where others ask or compute, or where it was for nothing.
#include "../../native/core/fuse/conversation.h"

#include <optional>

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

/// Microseconds after `from` at which the wait under way ends, looking every 10 from `start` on; the thread that `asks`
/// gives is heard then.
template <typename Asks>
long untilItEnds(Conversation& conversation, Conversation::Time from, long start, Asks asks) {
  for (long time = start;; time += 10) {
    if (time > start) conversation.heard(asks(time));
    if (!conversation.goesOn(from + microseconds(time))) return time;
  }
}

/// The same of a new wait for the asker.
template <typename Asks>
long microsecondsWaited(Conversation& conversation, Conversation::Time from, Asks asks, std::uint32_t asker = kAsker) {
  conversation.begin(from, asker, false);
  return untilItEnds(conversation, from, 0, asks);
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

TEST("where others take the processor away it is short for 20 ms; an interrupt does not count") {
  for (const long pause : {400L, 600L}) {
    Conversation conversation(true);
    conversation.begin(kStart, kAsker, false);
    CHECK(conversation.goesOn(kStart + microseconds(10)));
    const Conversation::Time back = kStart + microseconds(10 + pause);
    CHECK(!conversation.goesOn(back));
    const bool wasTakenAway = pause > 500;
    CHECK(microsecondsWaited(conversation, back + microseconds(19'000), theAskerOnce) == (wasTakenAway ? kShort : 250));
    CHECK(microsecondsWaited(conversation, back + microseconds(20'000), theAskerOnce) == 250);
  }
}

TEST("four long waits for nothing make the next ones short for 20 ms, unless one between brought a request") {
  const Conversation::Time later = kStart + microseconds(10'000);
  Conversation conversation(true);
  const auto waitsForNothing = [&](int count, Conversation::Time from) {
    for (int turn = 0; turn < count; turn++) CHECK(microsecondsWaited(conversation, from, theAskerOnce) == 250);
  };
  waitsForNothing(4, kStart);
  CHECK(microsecondsWaited(conversation, later, theAskerOnce) == kShort);
  waitsForNothing(3, later + microseconds(20'000));
  conversation.begin(later + microseconds(30'000), kAsker, false);
  waitsForNothing(4, later + microseconds(40'000));
  CHECK(microsecondsWaited(conversation, later + microseconds(50'000), theAskerOnce) == kShort);
}

TEST("a wait that messages interrupt goes on, up to its millisecond; one that ended does not") {
  Conversation conversation(true);
  const auto onlyMessages = std::nullopt;
  conversation.begin(kStart, kAsker, false);
  conversation.heard(kAsker);
  CHECK(conversation.goesOn(kStart + microseconds(50)));
  // The messages took 700 us: that was no pause.
  conversation.begin(kStart + microseconds(750), onlyMessages, false);
  conversation.heard(kAsker);
  CHECK(untilItEnds(conversation, kStart, 760, theAsker) == kLongest);
  conversation.begin(kStart + microseconds(kLongest), onlyMessages, false);
  CHECK(untilItEnds(conversation, kStart, kLongest, theAsker) == kLongest + kShort);
}

TEST("messages alone are no success of a wait") {
  Conversation conversation(true);
  for (int turn = 0; turn < 4; turn++) {
    conversation.begin(kStart, kAsker, false);
    conversation.heard(kAsker);
    CHECK(conversation.goesOn(kStart + microseconds(50)));
    conversation.begin(kStart + microseconds(60), std::nullopt, false);
    CHECK(untilItEnds(conversation, kStart, 60, nobody) == 250);
  }
  CHECK(microsecondsWaited(conversation, kStart + microseconds(1000), theAskerOnce) == kShort);
}

TEST("it is short while JavaScript has to do with something else") {
  Conversation conversation(true);
  conversation.begin(kStart, kAsker, true);
  CHECK(untilItEnds(conversation, kStart, 0, theAsker) == kShort);
  conversation.begin(kStart, kAsker, false);
  conversation.heard(kAsker);
  CHECK(conversation.goesOn(kStart + microseconds(50)));
  conversation.begin(kStart + microseconds(100), std::nullopt, true);
  CHECK(!conversation.goesOn(kStart + microseconds(100)));
}

/// One after the other, each brings a request at once (of the asker, whose wait ends with the next `begin`).
void waitsThatBringARequest(Conversation& conversation, int count) {
  for (int turn = 0; turn < count; turn++) {
    conversation.begin(kStart, kAsker, false);
    CHECK(conversation.goesOn(kStart));
  }
}

int waitsOf(Conversation& conversation, int count) {
  int waits = 0;
  for (int turn = 0; turn < count; turn++) waits += microsecondsWaited(conversation, kStart, nobody) > 0 ? 1 : 0;
  return waits;
}

TEST("after many waits for nothing one in eight is tried") {
  Conversation conversation(true);
  CHECK(waitsOf(conversation, 16) == 16);
  CHECK(waitsOf(conversation, 800) == 100);
}

TEST("one that brings a request makes the next ones worth waiting for") {
  Conversation conversation(true);
  waitsOf(conversation, 16);
  CHECK(waitsOf(conversation, 7) == 0);
  waitsThatBringARequest(conversation, 1);
  CHECK(waitsOf(conversation, 3) == 2);
  CHECK(waitsOf(conversation, 7) == 1);
}

TEST("waits go on where one in three brings a request, and not where one in four does") {
  for (const int oneIn : {3, 4}) {
    Conversation conversation(true);
    int waits = 0;
    for (int turn = 0; turn < 300; turn++) {
      waits += waitsOf(conversation, oneIn - 1);
      conversation.begin(kStart, kAsker, false);  // a success, if it is not spared
      waits += conversation.goesOn(kStart) ? 1 : 0;
    }
    if (oneIn == 3) CHECK(waits == 900);
    if (oneIn == 4) CHECK(waits < 900);
  }
}

TEST("a wait that was spared is no failure, nor a success") {
  Conversation conversation(true);
  waitsOf(conversation, 16);
  for (int turn = 0; turn < 7; turn++) {
    conversation.begin(kStart, kAsker, false);
    CHECK(!conversation.goesOn(kStart));
    CHECK(!conversation.goesOn(kStart + microseconds(10)));
  }
  conversation.begin(kStart, kAsker, false);
  CHECK(conversation.goesOn(kStart + microseconds(10)));
}

}  // namespace

int main() { return runTests(); }
