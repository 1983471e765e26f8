// The gate of changes that the session answers itself and posts to JavaScript (docs/design/0088), and the inode numbers
// that it may give. Invariants: while JavaScript has the gate closed, nothing is posted; what was posted before is in
// the queue by then. Thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>

namespace packetfs::fuse {

class Posts {
 public:
  /// JavaScript is about to change names or attributes by itself, or begins a commit. Nested.
  void close();
  void open();

  /// Inode numbers that JavaScript gives to nobody else.
  void grantInodes(std::uint64_t first, std::uint64_t count);
  [[nodiscard]] std::uint64_t grantedInodes() const;

  /// Makes one change after the other, where the gate is open; false where it is closed, or `change` gave false and did
  /// nothing.
  template <typename Change>
  bool post(Change change) {
    std::lock_guard guard(mutex_);
    return closings_ == 0 && change();
  }
  /// A number for a new inode, 0 if there is none; within a change.
  std::uint64_t takeInode();

 private:
  struct Grant {
    std::uint64_t first = 0, count = 0;
  };

  mutable std::mutex mutex_{};
  unsigned closings_ = 0;
  std::deque<Grant> grants_{};
};

}  // namespace packetfs::fuse
