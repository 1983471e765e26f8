// Descriptors that close themselves, and reads and writes that are whole or fail. EINTR is retried; a read that meets
// the end of the file is EIO, because everything here knows how much it stored.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "result.h"

namespace packetfs {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool isOpen() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A failure with the current errno and "action path: reason".
Status systemFailure(const char* action, const std::string& path);

/// open(2) with O_CLOEXEC and mode 0600.
Result<Descriptor> openFile(const std::string& path, int flags);
Result<std::uint64_t> fileSize(int fd);

/// Whether the disk below a file has so much free. One that does not tell its size counts as roomy.
bool diskHolds(int fd, std::uint64_t bytes);

/// Whether a read of this byte would not wait for the disk; false where the filesystem cannot tell.
bool isCached(int fd, std::uint64_t offset);
/// As readFully; sets `fromDisk` when not all of it was in the page cache.
Status readCachedFirst(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset, bool& fromDisk);
Status readFully(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset);
Status writeFully(int fd, const std::uint8_t* bytes, std::size_t length, std::uint64_t offset);
/// Writes all parts back to back from `offset` on; any number of them.
Status writePartsFully(int fd, std::vector<iovec> parts, std::uint64_t offset);

}  // namespace packetfs
