// The gate of changes that a mount's session answers itself: closed, nothing passes, and inode numbers are given once.
#include "../../native/core/fuse/posts.h"

#include <atomic>
#include <thread>

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

bool passes(Posts& posts) {
  return posts.post([] { return true; });
}

TEST("a change passes while the gate is open, and what it says of itself is told") {
  Posts posts;
  CHECK(passes(posts));
  CHECK(!posts.post([] { return false; }));
}

TEST("whoever closes the gate last opens it") {
  Posts posts;
  posts.close();
  posts.close();
  posts.open();
  CHECK(!passes(posts));
  posts.open();
  CHECK(passes(posts));
}

TEST("after the gate is closed no change is under way") {
  constexpr int kRounds = 2000;
  Posts posts;
  std::atomic<bool> isChanging{false};
  std::atomic<bool> ends{false};
  std::thread changer([&] {
    while (!ends.load()) {
      posts.post([&] {
        isChanging.store(true);
        std::this_thread::yield();
        isChanging.store(false);
        return true;
      });
    }
  });
  bool wasChanging = false;
  for (int i = 0; i < kRounds; i++) {
    posts.close();
    wasChanging = wasChanging || isChanging.load();
    posts.open();
  }
  ends.store(true);
  changer.join();
  CHECK(!wasChanging);
}

TEST("granted inode numbers are given in turn and once, then none") {
  Posts posts;
  CHECK(posts.takeInode() == 0);
  posts.grantInodes(10, 2);
  posts.grantInodes(100, 1);
  CHECK(posts.grantedInodes() == 3);
  CHECK(posts.takeInode() == 10);
  posts.returnInode(10);
  CHECK(posts.takeInode() == 10);
  CHECK(posts.takeInode() == 11);
  CHECK(posts.takeInode() == 100);
  CHECK(posts.takeInode() == 0);
}

}  // namespace

int main() { return runTests(); }
