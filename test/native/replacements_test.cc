// What is noted of replaced bytes: where it lies, for which stretch, how long it is believed, and its bound.
#include "../../native/core/blob/replacements.h"

#include <vector>

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
  replacements.note({fresh, 2'000'000}, {kBase, 1'000'000}, Anchor::kBothSides);
  const auto stretch = replacements.at({fresh + 1'000'000, 100'000});
  CHECK(stretch.end == fresh + 1'100'000 && stretch.old.size() == 1);
  CHECK(holds(stretch, kBase + 500'000) && holds(stretch, kBase + 549'999));
  CHECK(stretch.old[0].length < 50'000 + 2 * 64 * 1024 + 1);
  replacements.note({fresh + 5'000'000, 100'000}, {makeAddress(1, 0), 100'000}, Anchor::kBothSides);
  CHECK(replacements.at({fresh + 5'000'000, 100'000}).old.at(0).start == makeAddress(1, 0));
  const BlobAddress last = makeAddress(1, 2 * kSegmentBytes - 100'000);
  replacements.note({fresh + 6'000'000, 100'000}, {last, 100'000}, Anchor::kBothSides);
  CHECK(replacements.at({fresh + 6'000'000, 100'000}).old.at(0).end() == makeAddress(1, 2 * kSegmentBytes));
}

TEST("stretches end where what is known begins or ends; neighbours are one") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 50'000'000;
  CHECK(replacements.at({fresh, 100}).end == fresh + 100 && replacements.at({fresh, 100}).old.empty());
  replacements.note({fresh + 1'000, 1'000}, {kBase, 1'000}, Anchor::kBothSides);
  replacements.note({fresh + 2'000, 1'000}, {kBase + 900'000, 1'000}, Anchor::kBothSides);
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

TEST("what has no anchor is given up at once, the rest when it was in vain five times in a row") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  replacements.note({fresh, 1'000}, {kBase, 1'000}, Anchor::kNone);
  replacements.note({fresh + 1'000, 1'000}, {kBase, 1'000}, Anchor::kOneSide);
  CHECK(replacements.inVain({fresh, 2'000}));
  CHECK(replacements.at({fresh, 2'000}).old.empty() && replacements.at({fresh, 2'000}).end == fresh + 1'000);
  for (int round = 0; round < 3; round++) CHECK(!replacements.inVain({fresh + 1'000, 500}));
  CHECK(!replacements.at({fresh + 1'000, 1'000}).old.empty());
  replacements.found({fresh + 1'000, 10});
  for (int round = 0; round < 4; round++) CHECK(!replacements.inVain({fresh + 1'000, 500}));
  CHECK(!replacements.at({fresh + 1'000, 1'000}).old.empty());
  CHECK(!replacements.inVain({fresh + 1'999, 1}));
  CHECK(replacements.at({fresh + 1'000, 1'000}).old.empty());
  replacements.found({fresh + 1'000, 10});
  CHECK(replacements.at({fresh + 1'000, 1'000}).old.empty());
}

TEST("what was given up stays so while a stream goes on, until an anchor behind it tells more") {
  Replacements replacements;
  ReplacementTracker tracker;
  const BlobAddress fresh = kBase + 80'000'000;
  tracker.matched({kBase, 10'000}, replacements);
  for (std::uint64_t window = 0; window < 10; window++) {
    tracker.appended({fresh + window * 1'000, 1'000}, replacements);
    tracker.pause(replacements);
    CHECK(replacements.at({fresh + window * 1'000, 1'000}).old.empty() == (window >= 5));
    (void)replacements.inVain({fresh + window * 1'000, 1'000});
  }
  tracker.matched({kBase + 30'000, 10'000}, replacements);
  CHECK(holds(replacements.at({fresh, 10'000}), kBase + 10'000));
}

TEST("a new note takes the place of those that it overlaps") {
  auto random = seededRandom();
  Replacements replacements;
  for (int round = 0; round < 20'000; round++) {
    const AddressRange fresh{kBase + 80'000'000 + random() % 100'000, 1 + random() % 20'000};
    replacements.note(fresh, {kBase + random() % 1'000'000, 1 + random() % 30'000}, static_cast<Anchor>(random() % 4));
    if (random() % 3 == 0) (void)replacements.inVain({kBase + 80'000'000 + random() % 100'000, 1'000});
    const AddressRange asked{kBase + 80'000'000 + random() % 100'000, 1 + random() % 50'000};
    const auto stretch = replacements.at(asked);
    CHECK(stretch.end > asked.start && stretch.end <= asked.end());
    for (const AddressRange& old : stretch.old) {
      CHECK(old.length > 0 && old.start >> kOffsetBits == (old.end() - 1) >> kOffsetBits && old.length < 2'000'000);
    }
  }
}

TEST("old bytes at both sides of a segment's border are two ranges") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  const BlobAddress border = makeAddress(1, 2 * kSegmentBytes);
  replacements.note({fresh, 1'000}, {border - 1'000, 1'000}, Anchor::kOneSide);
  replacements.note({fresh + 1'000, 1'000}, {border, 1'000}, Anchor::kOneSide);
  const auto stretch = replacements.at({fresh, 2'000});
  CHECK(stretch.old.size() == 2 && stretch.old[0].end() == border && stretch.old[1].start == border);
}

TEST("bases are enough when they hold three quarters of what was replaced") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  replacements.note({fresh, 10'000}, {kBase, 10'000}, Anchor::kBothSides);
  const std::vector<AddressRange> most{{kBase, 4'000}, {kBase + 6'000, 3'500}};
  const std::vector<AddressRange> few{{kBase + 1'000, 6'000}, {kBase + 20'000, 9'000}};
  CHECK(replacements.areIn({fresh, 10'000}, most) && !replacements.areIn({fresh, 10'000}, few));
  CHECK(replacements.areIn({fresh + 2'000, 4'000}, few));
}

TEST("of a file that took a name, what is new and has no two anchors is like what had it, part by part") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 80'000'000;
  const auto isNew = [](BlobAddress address) { return address >= kBase + 80'000'000; };
  replacements.note({fresh, 10'000}, {kBase + 700'000, 10'000}, Anchor::kNone);
  replacements.note({fresh + 20'000, 10'000}, {kBase + 800'000, 10'000}, Anchor::kBothSides);
  const ExtentList old{{0, 40'000, kBase}, {40'000, 20'000, kBase + 300'000}, {60'000, 20'000, kBase + 500'000}};
  const ExtentList now{{0, 10'000, fresh},
                       {10'000, 10'000, kBase + 10'000},
                       {20'000, 10'000, fresh + 20'000},
                       {50'000, 30'000, fresh + 40'000}};
  replacements.noteFile(now, old, isNew);
  CHECK(holds(replacements.at({fresh, 10'000}), kBase) && !holds(replacements.at({fresh, 10'000}), kBase + 700'000));
  CHECK(holds(replacements.at({fresh + 20'000, 10'000}), kBase + 800'000));
  const auto parts = replacements.at({fresh + 40'000, 30'000});
  CHECK(parts.end == fresh + 70'000);
  CHECK(holds(parts, kBase + 310'000) && holds(parts, kBase + 319'999) && holds(parts, kBase + 519'999));
  CHECK(replacements.at({kBase, 40'000}).old.empty());
  replacements.noteFile({}, old, isNew);
  replacements.noteFile(now, {}, isNew);
  // A file of another length, with a hole.
  const ExtentList holed{{0, 4'000, kBase + 900'000}, {4'000, 4'000, kHole}, {8'000, 2'000, kBase + 904'000}};
  replacements.noteFile({{0, 100'000, fresh + 200'000}}, holed, isNew);
  CHECK(replacements.at({fresh + 200'000, 100'000}).end <= fresh + 240'001);
  CHECK(holds(replacements.at({fresh + 290'000, 1'000}), kBase + 905'000));
}

TEST("no more is kept than the bound; the oldest goes first") {
  Replacements replacements;
  for (std::uint64_t i = 0; i <= Replacements::kCountMax; i++) {
    replacements.note({kBase + i * 100, 50}, {kBase, 50}, Anchor::kBothSides);
  }
  CHECK(replacements.at({kBase, 50}).old.empty());
  CHECK(!replacements.at({kBase + 100, 50}).old.empty());
}

TEST("a likeness takes the place of what one anchor told, not of what two did, and stays when less is noted") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 10'000'000;
  const BlobAddress like = kBase + 500'000;
  const BlobAddress later = kBase + 900'000;
  const auto isLike = [&](BlobAddress at, BlobAddress old) {
    const auto stretch = replacements.at({at, 1'000});
    return stretch.old.size() == 1 && holds(stretch, old);
  };
  replacements.note({fresh, 30'000}, {kBase, 30'000}, Anchor::kOneSide);
  replacements.note({fresh + 10'000, 10'000}, {like, 10'000}, Anchor::kSimilar);
  CHECK(isLike(fresh + 5'000, kBase + 5'000) && isLike(fresh + 15'000, like + 5'000));
  CHECK(isLike(fresh + 25'000, kBase + 25'000));
  replacements.note({fresh, 60'000}, {later, 60'000}, Anchor::kOneSide);
  CHECK(isLike(fresh + 5'000, later + 5'000) && isLike(fresh + 15'000, like + 5'000));
  CHECK(isLike(fresh + 45'000, later + 45'000));
  replacements.note({fresh, 60'000}, {kBase, 60'000}, Anchor::kBothSides);
  replacements.note({fresh + 10'000, 100'000}, {like, 100'000}, Anchor::kSimilar);
  CHECK(isLike(fresh + 15'000, kBase + 15'000) && isLike(fresh + 80'000, like + 70'000));
  // Anchors far from each other say less than a likeness, before it or after.
  const BlobAddress large = kBase + 20'000'000;
  for (int round = 0; round < 2; round++) {
    replacements.note({large, 1'000'000}, {kBase, 500'000}, Anchor::kBothSides);
    CHECK(round == 1 || isLike(large + 505'000, kBase + 252'500));
    if (round == 0) replacements.note({large + 500'000, 10'000}, {later, 10'000}, Anchor::kSimilar);
    CHECK(isLike(large + 505'000, later + 5'000) && isLike(large + 900'000, kBase + 450'000));
  }
}

TEST("a likeness that was in vain is given up at once, and nothing beside it") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 10'000'000;
  replacements.note({fresh, 10'000}, {kBase, 10'000}, Anchor::kSimilar);
  replacements.note({fresh + 10'000, 10'000}, {kBase + 50'000, 10'000}, Anchor::kSimilar);
  CHECK(!replacements.inVain({fresh, 10'000}));
  CHECK(replacements.at({fresh, 10'000}).old.empty() && !replacements.at({fresh + 10'000, 10'000}).old.empty());
}

TEST("of a likeness in vain no more is given up than was tried, and what is noted of it later counts") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 10'000'000;
  replacements.note({fresh, 1 << 20}, {kBase, 1 << 20}, Anchor::kSimilar);
  CHECK(!replacements.inVain({fresh, 256 << 10}));
  CHECK(replacements.at({fresh, 1'000}).old.empty());
  CHECK(holds(replacements.at({fresh + (512 << 10), 1'000}), kBase + (512 << 10)));
  replacements.note({fresh, 256 << 10}, {kBase + 5'000'000, 256 << 10}, Anchor::kOneSide);
  CHECK(holds(replacements.at({fresh + 1'000, 1'000}), kBase + 5'001'000));
}

TEST("what was given up stays so while a tracker goes on, whatever likenesses lie in it") {
  Replacements replacements;
  ReplacementTracker tracker;
  tracker.guess(kBase);
  const BlobAddress fresh = kBase + 10'000'000;
  tracker.appended({fresh, 10'000}, replacements);
  tracker.pause(replacements);
  replacements.note({fresh, 1'000}, {kBase + 500'000, 1'000}, Anchor::kSimilar);
  CHECK(replacements.inVain({fresh + 1'000, 9'000}));
  tracker.appended({fresh + 10'000, 10'000}, replacements);
  tracker.pause(replacements);
  tracker.pause(replacements);
  CHECK(replacements.at({fresh + 1'000, 18'000}).old.empty());
  CHECK(holds(replacements.at({fresh, 500}), kBase + 500'000));
}

TEST("notes that split others stay within their bound") {
  Replacements replacements;
  const BlobAddress fresh = kBase + (64 << 20);
  replacements.note({fresh, 100'000'000}, {kBase, 100'000'000}, Anchor::kOneSide);
  std::size_t known = 0;
  for (std::uint64_t i = 0; i < 100'000; i++) {
    replacements.note({fresh + i * 1'000, 500}, {kBase + i, 500}, Anchor::kSimilar);
  }
  for (std::uint64_t i = 0; i < 100'000; i++) known += replacements.at({fresh + i * 1'000, 100}).old.empty() ? 0 : 1;
  CHECK(known <= Replacements::kCountMax && known > Replacements::kCountMax / 4);
}

TEST("guesses end where something else says what was replaced") {
  Replacements replacements;
  const BlobAddress fresh = kBase + 10'000'000;
  replacements.note({fresh + 10'000, 10'000}, {kBase, 10'000}, Anchor::kNone);
  CHECK(replacements.endOfGuesses({fresh, 50'000}) == fresh + 50'000);
  replacements.note({fresh + 30'000, 10'000}, {kBase, 10'000}, Anchor::kSimilar);
  CHECK(replacements.endOfGuesses({fresh, 50'000}) == fresh + 30'000);
  CHECK(replacements.endOfGuesses({fresh + 35'000, 5'000}) == fresh + 35'000);
  CHECK(!replacements.inVain({fresh + 30'000, 10'000}));
  CHECK(replacements.endOfGuesses({fresh, 50'000}) == fresh + 50'000);
}

TEST("the name of a small file says more than a likeness, that of a large one less") {
  Replacements replacements;
  const auto everything = [](BlobAddress) { return true; };
  for (const std::uint64_t size : {std::uint64_t{50'000}, std::uint64_t{500'000}}) {
    const BlobAddress fresh = kBase + 100 * size;
    const BlobAddress like = kBase + 60'000'000;
    replacements.note({fresh, size}, {like, size}, Anchor::kSimilar);
    replacements.noteFile({{0, size, fresh}}, {{0, size, kBase}}, everything);
    CHECK(holds(replacements.at({fresh, 1'000}), size <= 64 << 10 ? kBase : like));
  }
}

int main() { return runTests(); }
