// Owners of what the kernel gives: descriptors, mappings, page-aligned memory; and running a hook.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace packetfs::checker {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t roundUp(std::uint64_t value) { return (value + kPageBytes - 1) / kPageBytes * kPageBytes; }
constexpr std::uint64_t roundDown(std::uint64_t value) { return value / kPageBytes * kPageBytes; }

class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  /// close(2) and its result.
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_ = -1;
};

class Mapping {
 public:
  Mapping() = default;
  Mapping(int fd, std::uint64_t offset, std::uint64_t length, int protection, int flags)
      : address_(::mmap(nullptr, length, protection, flags, fd, static_cast<off_t>(offset))), length_(length) {}
  Mapping(Mapping&& other) noexcept
      : address_(std::exchange(other.address_, MAP_FAILED)), length_(std::exchange(other.length_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(length_, other.length_);
    return *this;
  }
  ~Mapping() { unmap(); }
  [[nodiscard]] bool ok() const { return address_ != MAP_FAILED; }
  [[nodiscard]] std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(address_); }
  int sync(int flags) const { return ::msync(address_, length_, flags); }
  void unmap() {
    if (ok()) ::munmap(std::exchange(address_, MAP_FAILED), length_);
  }

 private:
  void* address_ = MAP_FAILED;
  std::uint64_t length_ = 0;
};

/// Memory as O_DIRECT wants it.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::uint64_t length)
      : bytes_(static_cast<std::uint8_t*>(std::aligned_alloc(kPageBytes, roundUp(length)))) {
    if (bytes_ == nullptr) std::abort();
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { std::free(bytes_); }
  [[nodiscard]] std::uint8_t* get() const { return bytes_; }

 private:
  std::uint8_t* bytes_;
};

/// Exits 2 when the hook fails: then nothing was shown about the filesystem.
inline void runHook(const std::string& command) {
  if (std::system(command.c_str()) == 0) return;
  std::fprintf(stderr, "random-operations: this hook failed: %s\n", command.c_str());
  std::exit(2);
}

}  // namespace packetfs::checker
