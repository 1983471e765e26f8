// The gate of changes that the session answers itself and posts to JavaScript (docs/design/0088), and the inode numbers
// that it may give. Invariants: while the gate is closed, nothing is posted, and what was posted before is in the
// queue; whoever closes it waits for the changes under way, and for none that begins later. Thread-safe.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

namespace packetfs::fuse {

class Posts {
 public:
  /// JavaScript is about to change names or attributes by itself, or begins a commit; or the session ends. Nested.
  void close();
  void open();

  /// Makes a change, where the gate is open; false where it is closed, or `change` gave false and did nothing.
  template <typename Change>
  bool post(Change change) {
    const Passage passage(*this);
    return passage.isOpen() && change();
  }

  /// Inode numbers that JavaScript gives to nobody else.
  void grantInodes(std::uint64_t first, std::uint64_t count);
  [[nodiscard]] std::uint64_t grantedInodes() const;
  /// A number for a new inode, 0 if there is none.
  std::uint64_t takeInode();
  /// It was not used.
  void returnInode(std::uint64_t inode);

 private:
  class Passage {
   public:
    explicit Passage(Posts& posts) : posts_(posts), isOpen_(posts.enter()) {}
    ~Passage() {
      if (isOpen_) posts_.leave();
    }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    [[nodiscard]] bool isOpen() const { return isOpen_; }

   private:
    Posts& posts_;
    const bool isOpen_;
  };
  struct Grant {
    std::uint64_t first = 0, count = 0;
  };

  bool enter();
  void leave();

  mutable std::mutex mutex_{};
  std::condition_variable left_{};
  unsigned closings_ = 0;
  unsigned underWay_ = 0;
  std::deque<Grant> grants_{};
};

}  // namespace packetfs::fuse
