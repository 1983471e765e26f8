// flock(2) (file_lock.h): unlike fcntl locks it belongs to the open file, so it also holds within one process.
#include "file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

namespace packetfs {

Result<std::optional<FileLock>> FileLock::acquire(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) return Status::failure(errno, "cannot open the lock file " + path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    return Status::failure(errno, "cannot lock " + path);
  }
  return std::optional<FileLock>(FileLock(std::move(file)));
}

}  // namespace packetfs
