// See file.h.
#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace packetfs {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Status systemFailure(const char* action, const std::string& path) {
  const int error = errno;
  return Status::failure(error, std::string(action) + " " + path + ": " + strerrordesc_np(error));
}

Result<Descriptor> openFile(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return systemFailure("open", path);
  return Descriptor(fd);
}

Result<std::uint64_t> fileSize(int fd) {
  struct stat attributes {};
  if (::fstat(fd, &attributes) != 0) return systemFailure("fstat", "segment file");
  return static_cast<std::uint64_t>(attributes.st_size);
}

Status readFully(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset) {
  while (length > 0) {
    const ssize_t count = ::pread(fd, target, length, static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return systemFailure("read", "segment file");
    }
    if (count == 0) return Status::failure(EIO, "a segment file is shorter than what its table says");
    target += count;
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::size_t>(count);
  }
  return Status::success();
}

bool diskHolds(int fd, std::uint64_t bytes) {
  struct statvfs disk {};
  if (::fstatvfs(fd, &disk) != 0 || disk.f_blocks == 0) return true;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize >= bytes;
}

bool isCached(int fd, std::uint64_t offset) {
  std::uint8_t byte = 0;
  const iovec whole{&byte, 1};
  return ::preadv2(fd, &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
}

Status readCachedFirst(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset, bool& fromDisk) {
  const iovec whole{target, length};
  const ssize_t cached = ::preadv2(fd, &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (cached < 0) {  // nothing is cached, or the filesystem cannot tell: an error shows again below
    fromDisk = fromDisk || errno == EAGAIN;
    return readFully(fd, target, length, offset);
  }
  const auto taken = static_cast<std::size_t>(cached);
  if (taken == length) return Status::success();
  fromDisk = true;
  return readFully(fd, target + taken, length - taken, offset + taken);
}

Status writeFully(int fd, const std::uint8_t* bytes, std::size_t length, std::uint64_t offset) {
  return writePartsFully(fd, {iovec{const_cast<std::uint8_t*>(bytes), length}}, offset);
}

Status writePartsFully(int fd, std::vector<iovec> parts, std::uint64_t offset) {
  std::size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      first++;
      continue;
    }
    const int count = static_cast<int>(std::min<std::size_t>(parts.size() - first, IOV_MAX));
    const ssize_t written = ::pwritev(fd, &parts[first], count, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return systemFailure("write", "segment file");
    }
    if (written == 0) return Status::failure(EIO, "a write to a segment file made no progress");
    offset += static_cast<std::uint64_t>(written);
    auto left = static_cast<std::size_t>(written);
    while (left > 0) {
      const std::size_t taken = std::min(left, parts[first].iov_len);
      parts[first].iov_base = static_cast<std::uint8_t*>(parts[first].iov_base) + taken;
      parts[first].iov_len -= taken;
      left -= taken;
      if (parts[first].iov_len == 0) first++;
    }
  }
  return Status::success();
}

}  // namespace packetfs
