// Which handles stay open for the next reader: never one from before a peer's change.
#include "../../native/core/fuse/kept_handles.h"

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

constexpr fuse_ino_t kNode = 7;

bool keeps(KeptHandles& kept, fuse_ino_t node, std::uint64_t epoch) { return kept.keep(node, epoch).isKept; }

TEST("a kept handle is taken once") {
  KeptHandles kept;
  CHECK(!kept.take(kNode).has_value());
  CHECK(keeps(kept, kNode, kept.epoch()));
  CHECK(!kept.take(kNode + 1).has_value());
  CHECK(kept.take(kNode) == kept.epoch());
  CHECK(!kept.take(kNode).has_value());
}

TEST("one handle of a node is kept, the second is to be released") {
  KeptHandles kept;
  CHECK(keeps(kept, kNode, kept.epoch()));
  CHECK(!keeps(kept, kNode, kept.epoch()));
  CHECK(kept.drop(kNode));
  CHECK(!kept.drop(kNode));
}

TEST("a handle of before a peer's change is not kept, and a kept one goes with the change") {
  KeptHandles kept;
  const std::uint64_t before = kept.epoch();
  CHECK(keeps(kept, kNode, before));
  CHECK(kept.dropChanged(kNode));
  CHECK(!kept.take(kNode).has_value());
  CHECK(!keeps(kept, kNode, before));
  CHECK(!kept.dropChanged(kNode));
  CHECK(keeps(kept, kNode, kept.epoch()));
}

TEST("a handle that was kept through the change of another file is as good as a new one") {
  KeptHandles kept;
  CHECK(keeps(kept, kNode, kept.epoch()));
  CHECK(!kept.dropChanged(kNode + 1));
  const auto epoch = kept.take(kNode);
  CHECK(epoch == kept.epoch());
  CHECK(keeps(kept, kNode, *epoch));
}

TEST("beyond the bound the one that was kept longest is displaced") {
  KeptHandles kept(2);
  CHECK(!kept.keep(1, 0).displaced.has_value());
  CHECK(!kept.keep(2, 0).displaced.has_value());
  CHECK(kept.take(1).has_value());
  CHECK(!kept.keep(1, 0).displaced.has_value());
  const auto third = kept.keep(3, 0);
  CHECK(third.isKept && third.displaced == fuse_ino_t{2});
  CHECK(!kept.take(2).has_value());
  CHECK(kept.take(1).has_value() && kept.take(3).has_value());
}

}  // namespace

int main() { return runTests(); }
