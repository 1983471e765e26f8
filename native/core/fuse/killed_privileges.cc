// See killed_privileges.h.
#include "killed_privileges.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

namespace packetfs::fuse {

namespace {

// INIT is the first request of a session, read and answered on one thread.
thread_local std::uint64_t initUnique = 0;  // of an INIT that is not answered, 0: none
thread_local bool clearsSetId = false;

template <typename Message>
Message messageAt(const void* bytes, std::size_t offset) {
  Message message{};
  std::memcpy(&message, static_cast<const std::uint8_t*>(bytes) + offset, sizeof message);
  return message;
}

ssize_t readMessage(int fd, void* target, size_t length, void*) {
  const ssize_t received = ::read(fd, target, length);
  constexpr std::size_t kFlagsEnd = sizeof(fuse_in_header) + offsetof(fuse_init_in, flags) + sizeof(std::uint32_t);
  if (received < static_cast<ssize_t>(kFlagsEnd)) return received;
  const auto header = messageAt<fuse_in_header>(target, 0);
  if (header.opcode != FUSE_INIT) return received;
  const auto offered = messageAt<std::uint32_t>(target, kFlagsEnd - sizeof(std::uint32_t));
  if ((offered & FUSE_HANDLE_KILLPRIV_V2) != 0) initUnique = header.unique;
  return received;
}

ssize_t writeMessage(int fd, struct iovec* parts, int count, void*) {
  if (initUnique != 0 && count > 1 && messageAt<fuse_out_header>(parts[0].iov_base, 0).unique == initUnique) {
    initUnique = 0;
    if (parts[1].iov_len >= offsetof(fuse_init_out, flags) + sizeof(std::uint32_t)) {
      static_cast<fuse_init_out*>(parts[1].iov_base)->flags |= FUSE_HANDLE_KILLPRIV_V2;
    }
  }
  return ::writev(fd, parts, count);
}

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

void announceKilledPrivileges(struct fuse_session* session) {
  static const struct fuse_custom_io io = {
      .writev = writeMessage, .read = readMessage, .splice_receive = nullptr, .splice_send = nullptr};
  fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

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
