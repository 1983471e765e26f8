// See killed_privileges.h.
#include "killed_privileges.h"

#include <linux/fuse.h>

#include "message.h"

namespace packetfs::fuse {

namespace {

thread_local bool clearsSetId = false;

bool isMarked(const void* message, std::uint32_t opcode) {
  constexpr std::size_t kBody = sizeof(fuse_in_header);
  switch (opcode) {
    case FUSE_WRITE:
      return (messageAt<fuse_write_in>(message, kBody).write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
    case FUSE_SETATTR:
      return (messageAt<fuse_setattr_in>(message, kBody).valid & FATTR_KILL_SUIDGID) != 0;
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:  // never marked: who is not root is taken for one without CAP_FSETID
      return messageAt<fuse_in_header>(message, 0).uid != 0;
    default:
      return false;
  }
}

}  // namespace

void noteRequest(const struct fuse_buf& message) {
  // The kernel sends whole requests; the longest that is looked at is a SETATTR, and the buffer is far larger.
  clearsSetId = isMarked(message.mem, messageAt<fuse_in_header>(message.mem, 0).opcode);
}

bool requestClearsSetId() { return clearsSetId; }

void SetIdFiles::learn(fuse_ino_t inode, const struct stat& attributes) {
  if (!S_ISREG(attributes.st_mode)) return;
  if ((attributes.st_mode & (S_ISUID | S_ISGID)) == 0) {
    forget(inode);
    return;
  }
  std::lock_guard guard(mutex_);
  files_.insert(inode);
  count_.store(files_.size());
}

void SetIdFiles::forget(fuse_ino_t inode) {
  if (count_.load() == 0) return;
  std::lock_guard guard(mutex_);
  files_.erase(inode);
  count_.store(files_.size());
}

bool SetIdFiles::contains(fuse_ino_t inode) const {
  if (count_.load() == 0) return false;
  std::lock_guard guard(mutex_);
  return files_.contains(inode);
}

}  // namespace packetfs::fuse
