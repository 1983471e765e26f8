// See reply_records.h.
#include "reply_records.h"

#include "protocol.h"

namespace packetfs::fuse {

struct timespec timeOf(std::int64_t nanoseconds) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  std::int64_t seconds = nanoseconds / kNanosecondsPerSecond;
  std::int64_t rest = nanoseconds % kNanosecondsPerSecond;
  if (rest < 0) {
    rest += kNanosecondsPerSecond;
    seconds -= 1;
  }
  return {.tv_sec = seconds, .tv_nsec = rest};
}

std::int64_t nanosecondsOf(const struct timespec& time) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  if (time.tv_sec >= INT64_MAX / kPerSecond) return INT64_MAX;
  if (time.tv_sec <= INT64_MIN / kPerSecond) return INT64_MIN;
  return time.tv_sec * kPerSecond + time.tv_nsec;
}

FileAttributes readAttributes(Reader& reader, std::size_t at) {
  FileAttributes result;
  struct stat& attributes = result.attributes;
  result.node = reader.at<std::uint64_t>(at);
  attributes.st_ino = inodeOfNode(result.node);
  result.generation = reader.at<std::uint64_t>(at + 8);
  attributes.st_mode = reader.at<std::uint32_t>(at + 16);
  attributes.st_nlink = reader.at<std::uint32_t>(at + 20);
  attributes.st_uid = reader.at<std::uint32_t>(at + 24);
  attributes.st_gid = reader.at<std::uint32_t>(at + 28);
  attributes.st_rdev = reader.at<std::uint32_t>(at + 32);
  attributes.st_size = reader.at<std::int64_t>(at + 40);
  attributes.st_blocks = reader.at<std::int64_t>(at + 48);
  attributes.st_atim = timeOf(reader.at<std::int64_t>(at + 56));
  attributes.st_mtim = timeOf(reader.at<std::int64_t>(at + 64));
  attributes.st_ctim = timeOf(reader.at<std::int64_t>(at + 72));
  attributes.st_blksize = kPreferredBlockBytes;
  return result;
}

struct statvfs readStatistics(Reader& reader) {
  struct statvfs result {};
  result.f_bsize = reader.at<std::uint64_t>(kReplyHeaderBytes);
  result.f_frsize = result.f_bsize;
  result.f_blocks = reader.at<std::uint64_t>(kReplyHeaderBytes + 8);
  result.f_bfree = reader.at<std::uint64_t>(kReplyHeaderBytes + 16);
  result.f_bavail = reader.at<std::uint64_t>(kReplyHeaderBytes + 24);
  result.f_files = reader.at<std::uint64_t>(kReplyHeaderBytes + 32);
  result.f_ffree = reader.at<std::uint64_t>(kReplyHeaderBytes + 40);
  result.f_favail = result.f_ffree;
  result.f_namemax = kNameBytesMax;
  return result;
}

}  // namespace packetfs::fuse
