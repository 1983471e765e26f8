// Who clears set-user-id and set-group-id bits when a file is written or truncated: we do (FUSE_HANDLE_KILLPRIV_V2), so
// that the kernel does not ask for "security.capability" before each write(2) (docs/design/0054). It marks the requests
// of callers without CAP_FSETID; capabilities stored in a file it still removes itself. libfuse 3.14 does
// not know the marks, so they are read in the raw messages.
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace packetfs::fuse {

/// Reads the mark of a request; called on the thread that serves it, before.
void noteRequest(const struct fuse_buf& message);
/// True when the request served on this thread carries the mark.
bool requestClearsSetId();

/// The regular files with such bits that the kernel knows: what a write must look at is almost always empty.
class SetIdFiles {
 public:
  /// With every attributes record that goes to the kernel.
  void learn(fuse_ino_t inode, const struct stat& attributes);
  void forget(fuse_ino_t inode);
  [[nodiscard]] bool contains(fuse_ino_t inode) const;

 private:
  std::atomic<std::size_t> count_{0};
  mutable std::mutex mutex_{};
  std::unordered_set<fuse_ino_t> files_{};  // bounded by the inodes that the kernel holds
};

}  // namespace packetfs::fuse
