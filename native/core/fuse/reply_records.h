// Reading the packed replies of JavaScript (protocol.h).
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace packetfs::fuse {

/// Checked reading of little-endian fields; a read past the end gives 0 and marks the record as broken.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename Integer>
  Integer at(std::size_t offset) {
    Integer value{};
    if (offset + sizeof value > bytes_.size()) {
      broken_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::span<const std::uint8_t> slice(std::size_t offset, std::size_t length) {
    if (offset > bytes_.size() || length > bytes_.size() - offset) {
      broken_ = true;
      return {};
    }
    return bytes_.subspan(offset, length);
  }

  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::span<const std::uint8_t> bytes_;
  bool broken_ = false;
};

struct FileAttributes {
  struct stat attributes {};
  fuse_ino_t node = 0;
  std::uint64_t generation = 0;
};

/// An attributes record.
FileAttributes readAttributes(Reader& reader, std::size_t at);
struct statvfs readStatistics(Reader& reader);
/// Of nanoseconds since 1970, before it too.
struct timespec timeOf(std::int64_t nanoseconds);
/// Saturates: a time beyond the year 2262 does not fit 64 bits of nanoseconds.
std::int64_t nanosecondsOf(const struct timespec& time);

}  // namespace packetfs::fuse
