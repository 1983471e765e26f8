// See posts.h.
#include "posts.h"

namespace packetfs::fuse {

void Posts::close() {
  std::unique_lock lock(mutex_);
  closings_++;
  left_.wait(lock, [this] { return underWay_ == 0; });
}

void Posts::open() {
  std::lock_guard guard(mutex_);
  if (closings_ > 0) closings_--;
}

bool Posts::enter() {
  std::lock_guard guard(mutex_);
  if (closings_ > 0) return false;
  underWay_++;
  return true;
}

void Posts::leave() {
  std::lock_guard guard(mutex_);
  underWay_--;
  if (underWay_ == 0) left_.notify_all();
}

void Posts::grantInodes(std::uint64_t first, std::uint64_t count) {
  std::lock_guard guard(mutex_);
  if (count > 0) grants_.push_back({first, count});
}

std::uint64_t Posts::grantedInodes() const {
  std::lock_guard guard(mutex_);
  std::uint64_t sum = 0;
  for (const Grant& grant : grants_) sum += grant.count;
  return sum;
}

std::uint64_t Posts::takeInode() {
  std::lock_guard guard(mutex_);
  if (grants_.empty()) return 0;
  Grant& oldest = grants_.front();
  const std::uint64_t inode = oldest.first++;
  if (--oldest.count == 0) grants_.pop_front();
  return inode;
}

void Posts::returnInode(std::uint64_t inode) {
  std::lock_guard guard(mutex_);
  grants_.push_front({inode, 1});
}

}  // namespace packetfs::fuse
