// How long JavaScript waits for the next request without sleeping: longer for one program that goes on asking, and
// never where others ask or compute.
#include "../../native/core/fuse/conversation.h"

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;
using std::chrono::microseconds;

namespace {

constexpr std::uint32_t kProgram = 70;
constexpr std::uint32_t kAnother = 71;
const Conversation::Time kStart{std::chrono::hours(1)};

/// Microseconds until the wait that begins at `from` ends, looking every 10; the caller that `asks` gives is heard
/// then.
template <typename Asks>
long waited(Conversation& conversation, Conversation::Time from, Asks asks) {
  Conversation::Wait wait = conversation.begin(from);
  for (long time = 0;; time += 10) {
    if (time > 0) conversation.heard(asks(time));
    if (!conversation.goesOn(wait, from + microseconds(time))) return time;
  }
}

const auto nobody = [](long) { return 0U; };
const auto oneProgram = [](long time) { return time % 100 == 50 ? kProgram : 0U; };

TEST("a wait in which nobody asks is short") {
  Conversation conversation;
  conversation.heard(kProgram);
  CHECK(waited(conversation, kStart, nobody) == 60);
}

TEST("while one program goes on asking the wait goes on, up to a millisecond") {
  Conversation conversation;
  conversation.heard(kProgram);
  CHECK(waited(conversation, kStart, oneProgram) == 1000);
}

TEST("it ends 200 us after the program's last request") {
  Conversation conversation;
  conversation.heard(kProgram);
  CHECK(waited(conversation, kStart, [](long time) { return time == 50 ? kProgram : 0U; }) == 250);
}

TEST("it is short again once another program asks") {
  Conversation conversation;
  conversation.heard(kProgram);
  CHECK(waited(conversation, kStart, [](long time) {
          if (time == 300) return kAnother;
          return oneProgram(time);
        }) == 300);
  CHECK(waited(conversation, kStart, [](long time) {
          if (time % 20 != 0) return 0U;
          return time % 40 == 0 ? kProgram : kAnother;
        }) == 60);
}

TEST("where others take the processor away it is short for a tenth of a second") {
  Conversation conversation;
  conversation.heard(kProgram);
  Conversation::Wait wait = conversation.begin(kStart);
  conversation.heard(kProgram);
  CHECK(conversation.goesOn(wait, kStart + microseconds(10)));
  const Conversation::Time back = kStart + microseconds(3000);
  CHECK(!conversation.goesOn(wait, back));
  CHECK(waited(conversation, back + microseconds(90'000), oneProgram) == 60);
  CHECK(waited(conversation, back + microseconds(100'000), oneProgram) == 1000);
}

}  // namespace

int main() { return runTests(); }
