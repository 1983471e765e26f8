// What answers told that the kernel asks for next, so that these requests need not go to JavaScript: a new file has no
// capabilities (the kernel asks before its first write), what a directory's attributes are now (the kernel drops them
// with every change of a name, and asks on the next path through it), which names a directory made here does not have
// (the kernel looks a name up before it creates it). Invariants: a directory's attributes are known only from the
// answer to the last request that may have changed it, in the order in which those requests were queued; the names of a
// directory are all that it may have; and both only until a remote change.
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace packetfs::fuse {

/// Inodes whose attributes a request may change, and the name that the last of them may get.
struct DirectoryChange {
  std::initializer_list<fuse_ino_t> inodes;
  std::string_view newName{};
  /// Whether the answer tells the attributes as they are then.
  bool answerTells = true;
};

class Foreknowledge {
 public:
  /// `push` queues the request that makes the change, and gets the number under which its answer may be learned. Under
  /// the lock: what is learned belongs to the last in the order of the queue.
  template <typename Push>
  void changing(const DirectoryChange& change, Push push) {
    std::lock_guard guard(mutex_);
    changes_++;
    note(change);
    push(changes_);
  }

  /// For what a peer changed, and what the kernel forgets.
  void forget(fuse_ino_t inode);
  /// For what a request changed that did not name it.
  void forgetAttributes(fuse_ino_t inode);

  /// The attributes as they were after this change; nothing is known any more when something changed them since, or
  /// when the change was not one of this directory alone.
  void learnAttributes(const struct stat& attributes, std::uint64_t change);
  [[nodiscard]] std::optional<struct stat> directory(fuse_ino_t inode) const;

  /// What has just been made has no names and no capabilities.
  void learnNew(const struct stat& attributes);
  [[nodiscard]] bool hasNoCapabilities(fuse_ino_t inode) const;
  /// True only if the directory surely has no such name.
  [[nodiscard]] bool lacksName(fuse_ino_t directory, std::string_view name) const;

 private:
  struct Directory {
    std::uint64_t lastChange = 0;
    std::optional<struct stat> attributes{};
    /// Hashes of all names that it has, or had: two names that share one are both taken for present.
    std::optional<std::unordered_set<std::uint64_t>> names{};
  };

  void note(const DirectoryChange& change);
  void noteName(fuse_ino_t inode, std::string_view name);
  Directory& directoryOf(fuse_ino_t inode);

  mutable std::mutex mutex_{};
  std::uint64_t changes_ = 0;
  std::size_t namesCount_ = 0;  // in all directories
  std::unordered_map<fuse_ino_t, Directory> directories_{};
  std::unordered_set<fuse_ino_t> newFiles_{};
  std::unordered_set<fuse_ino_t> olderNewFiles_{};  // what `newFiles_` was before it was last full
};

}  // namespace packetfs::fuse
