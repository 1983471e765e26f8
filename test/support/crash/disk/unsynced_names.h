// The names that no fsync has made durable, as a journalling filesystem (ext4, XFS) keeps them: changes reach the disk
// in the order in which they were made, and an fsync of a file or directory brings there all changes up to the last one
// that concerns it. A power cut leaves some prefix. What is removed is put aside until its removal is durable.
#pragma once
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "unsynced_file.h"

namespace faulty {

class UnsyncedNames {
 public:
  /// `aside`: a directory on the same filesystem as the names.
  explicit UnsyncedNames(std::string aside) : aside_(std::move(aside)) {}

  // These make the change (but `created`, which was made already); 0 or an errno.
  int created(const std::string& path);
  int remove(const std::string& path);
  int removeDirectory(const std::string& path);
  int rename(const std::string& from, const std::string& to);

  /// The file or directory with this inode number was synced.
  void synced(std::uint64_t inode);
  void allSynced() { settle(changes_.size()); }
  /// Changes lost.
  std::uint64_t lose(Loss loss, std::mt19937_64& random);

 private:
  struct Change {
    enum class Kind { create, remove, removeDirectory, rename } kind;
    std::string path{};
    std::string to{};
    std::string saved{};  // where the removed or replaced file waits
    std::uint64_t inode = 0;
    std::uint64_t directory = 0;
    std::uint64_t otherDirectory = 0;
  };
  std::string placeAside();
  void settle(std::size_t count);
  static void undo(const Change& change);

  std::string aside_;
  std::uint64_t removals_ = 0;
  std::deque<Change> changes_{};
};

}  // namespace faulty
