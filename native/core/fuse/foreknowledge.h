// What an answer told that the kernel asks for next, so that these requests need not go to JavaScript: a new file has
// no capabilities (the kernel asks before its first write), and what its directory's attributes are now (the kernel
// drops them with every new name, and asks on the next path through it). Invariant: a directory's attributes are known
// only from the answer to the last request that may have changed it, in the order in which those requests were queued;
// and only until a remote change.
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace packetfs::fuse {

class Foreknowledge {
 public:
  /// `push` queues a request that creates in the directory, and gets the number under which its answer may be learned.
  /// Under the lock, as `changing`: what is learned belongs to the last in the order of the queue.
  template <typename Push>
  void creating(fuse_ino_t directory, Push push) {
    std::lock_guard guard(mutex_);
    if (directories_.size() >= kDirectoriesMax) directories_.clear();
    directories_[directory] = {.lastCreation = ++creations_};
    push(creations_);
  }

  /// `push` queues a request that may change the inode's attributes in another way.
  template <typename Push>
  void changing(fuse_ino_t inode, Push push) {
    std::lock_guard guard(mutex_);
    directories_.erase(inode);
    push();
  }

  /// For a change of directories that the request does not name, or one that JavaScript makes later.
  void forgetDirectories();
  /// For what a peer changed, and what the kernel forgets.
  void forget(fuse_ino_t inode);

  /// The attributes as they were after this creation; ignored when something changed them since.
  void learnDirectory(const struct stat& attributes, std::uint64_t creation);
  [[nodiscard]] std::optional<struct stat> directory(fuse_ino_t inode) const;

  void learnNewFile(fuse_ino_t inode);
  [[nodiscard]] bool hasNoCapabilities(fuse_ino_t inode) const;

 private:
  static constexpr std::size_t kDirectoriesMax = 4096;

  struct Directory {
    std::uint64_t lastCreation = 0;
    std::optional<struct stat> attributes{};
  };

  mutable std::mutex mutex_{};
  std::uint64_t creations_ = 0;
  std::unordered_map<fuse_ino_t, Directory> directories_{};
  std::unordered_set<fuse_ino_t> newFiles_{};
};

}  // namespace packetfs::fuse
