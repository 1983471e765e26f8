// What is noted of replaced bytes: where it lies, for which stretch, how long it is believed, and its bound.
#include "../../native/core/blob/replacements.h"

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr BlobAddress kBase = makeAddress(1, 1U << 20);

bool holds(const Replacements::Stretch& stretch, BlobAddress address) {
  for (const AddressRange& range : stretch.old) {
    if (address >= range.start && address < range.end()) return true;
  }
  return false;
}

}  // namespace

TEST("a place in a replaced stretch is looked for in proportion, a little wider, within its segment") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 10'000'000;
  replacements.note({fresh, 2'000'000}, {kBase, 1'000'000}, false);
  const auto stretch = replacements.at({fresh + 1'000'000, 100'000});
  CHECK(stretch.end == fresh + 1'100'000 && stretch.old.size() == 1);
  CHECK(holds(stretch, kBase + 500'000) && holds(stretch, kBase + 549'999));
  CHECK(stretch.old[0].length < 50'000 + 2 * 64 * 1024 + 1);
  replacements.note({fresh + 5'000'000, 100'000}, {makeAddress(1, 0), 100'000}, false);
  CHECK(replacements.at({fresh + 5'000'000, 100'000}).old.at(0).start == makeAddress(1, 0));
  const BlobAddress last = makeAddress(1, 2 * kSegmentBytes - 100'000);
  replacements.note({fresh + 6'000'000, 100'000}, {last, 100'000}, false);
  CHECK(replacements.at({fresh + 6'000'000, 100'000}).old.at(0).end() == makeAddress(1, 2 * kSegmentBytes));
}

TEST("stretches end where what is known begins or ends; neighbours are one") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 50'000'000;
  CHECK(replacements.at({fresh, 100}).end == fresh + 100 && replacements.at({fresh, 100}).old.empty());
  replacements.note({fresh + 1'000, 1'000}, {kBase, 1'000}, false);
  replacements.note({fresh + 2'000, 1'000}, {kBase + 900'000, 1'000}, false);
  CHECK(replacements.at({fresh, 9'000}).end == fresh + 1'000 && replacements.at({fresh, 9'000}).old.empty());
  const auto both = replacements.at({fresh + 1'500, 9'000});
  CHECK(both.end == fresh + 3'000 && both.old.size() == 2);
  CHECK(holds(both, kBase + 600) && holds(both, kBase + 900'500));
  CHECK(replacements.at({fresh + 3'000, 500}).old.empty());
}

TEST("a tracker notes what lies between stored chunks, before the first and behind the last, across windows") {
  Replacements replacements;
  ReplacementTracker tracker;
  const BlobAddress fresh = kBase + 80'000'000;
  tracker.appended({fresh, 20'000}, replacements);
  tracker.pause(replacements);
  CHECK(replacements.at({fresh, 20'000}).old.empty());
  tracker.matched({kBase + 30'000, 10'000}, replacements);
  CHECK(holds(replacements.at({fresh, 20'000}), kBase + 10'000) &&
        holds(replacements.at({fresh, 20'000}), kBase + 29'999));
  tracker.appended({fresh + 20'000, 10'000}, replacements);
  tracker.appended({fresh + 30'000, 10'000}, replacements);
  tracker.pause(replacements);
  CHECK(holds(replacements.at({fresh + 20'000, 20'000}), kBase + 59'999));
  tracker.appended({fresh + 40'000, 10'000}, replacements);
  tracker.matched({kBase + 55'000, 10'000}, replacements);
  const auto between = replacements.at({fresh + 20'000, 30'000});
  CHECK(between.end == fresh + 50'000 && holds(between, kBase + 40'000) && holds(between, kBase + 54'999));
  // A stored chunk from elsewhere says nothing of what is in front of it.
  tracker.appended({fresh + 50'000, 10'000}, replacements);
  tracker.matched({kBase + 3'000'000, 10'000}, replacements);
  const auto left = replacements.at({fresh + 50'000, 10'000});
  CHECK(holds(left, kBase + 65'000) && !holds(left, kBase + 2'999'000));
  // New bytes that another writer's lie between.
  tracker.appended({fresh + 60'000, 10'000}, replacements);
  tracker.appended({fresh + 90'000, 10'000}, replacements);
  tracker.pause(replacements);
  CHECK(holds(replacements.at({fresh + 90'000, 10'000}), kBase + 3'020'000));
  CHECK(tracker.old() == kBase + 3'030'000);
}

TEST("a guess is given up at once, what an anchor told when it was in vain five times in a row") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  replacements.note({fresh, 1'000}, {kBase, 1'000}, true);
  replacements.note({fresh + 1'000, 1'000}, {kBase, 1'000}, false);
  replacements.inVain({fresh, 2'000}, {fresh, 2'000});
  CHECK(replacements.at({fresh, 1'000}).old.empty());
  for (int round = 0; round < 3; round++) replacements.inVain({fresh + 1'000, 500}, {fresh, 2'000});
  CHECK(!replacements.at({fresh + 1'000, 1'000}).old.empty());
  replacements.found({fresh + 1'000, 10});
  for (int round = 0; round < 4; round++) replacements.inVain({fresh + 1'000, 500}, {fresh, 2'000});
  CHECK(!replacements.at({fresh + 1'000, 1'000}).old.empty());
  replacements.inVain({fresh + 1'999, 1}, {fresh, 2'000});
  CHECK(replacements.at({fresh + 1'000, 1'000}).old.empty());
}

TEST("when no guess is right, those on the way with it are given up too, until one is") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  const auto guessAll = [&] {
    for (std::uint64_t i = 0; i < 100; i++) replacements.note({fresh + i * 1'000, 1'000}, {kBase, 1'000}, true);
  };
  guessAll();
  for (std::uint64_t i = 0; i < 4; i++) replacements.inVain({fresh + i * 1'000, 1'000}, {fresh, 50'000});
  CHECK(!replacements.at({fresh + 4'000, 1'000}).old.empty());
  replacements.inVain({fresh + 4'000, 1'000}, {fresh, 50'000});
  CHECK(replacements.at({fresh + 5'000, 90'000}).end == fresh + 50'000);
  guessAll();
  replacements.found({fresh, 1'000});
  replacements.inVain({fresh, 1'000}, {fresh, 50'000});
  CHECK(!replacements.at({fresh + 1'000, 1'000}).old.empty());
}

TEST("of a file that took a name, what is new and unknown, or only guessed, is like what had it") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  replacements.note({fresh, 10'000}, {kBase + 700'000, 10'000}, true);
  replacements.note({fresh + 20'000, 10'000}, {kBase + 800'000, 10'000}, false);
  const ExtentList old{{0, 40'000, kBase}, {40'000, 40'000, kBase + 300'000}};
  const ExtentList now{{0, 10'000, fresh},
                       {10'000, 10'000, kBase + 10'000},
                       {20'000, 10'000, fresh + 20'000},
                       {50'000, 30'000, fresh + 40'000}};
  replacements.noteFile(now, old);
  CHECK(holds(replacements.at({fresh, 10'000}), kBase) && !holds(replacements.at({fresh, 10'000}), kBase + 700'000));
  CHECK(holds(replacements.at({fresh + 20'000, 10'000}), kBase + 800'000));
  CHECK(holds(replacements.at({fresh + 40'000, 30'000}), kBase + 310'000));
  CHECK(replacements.at({kBase, 40'000}).old.empty());
  replacements.noteFile({}, old);
  replacements.noteFile(now, {});
}

TEST("no more is kept than the bound; the oldest goes first") {
  Replacements replacements;
  for (std::uint64_t i = 0; i <= Replacements::kCountMax; i++) {
    replacements.note({kBase + i * 100, 50}, {kBase, 50}, false);
  }
  CHECK(replacements.at({kBase, 50}).old.empty());
  CHECK(!replacements.at({kBase + 100, 50}).old.empty());
}

int main() { return runTests(); }
