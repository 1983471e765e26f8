// See direct_reader.h.
#include "direct_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace packetfs {

DirectReader::DirectReader(Descriptor file, bool direct)
    : file_(std::move(file)),
      direct_(direct),
      block_(static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, kBlockBytes))) {}

Result<DirectReader> DirectReader::open(const std::string& path) {
  auto direct = openFile(path, O_RDONLY | O_DIRECT);
  if (direct.ok()) return DirectReader(std::move(direct.value), true);
  if (direct.status.error != EINVAL) return direct.status;
  auto plain = openFile(path, O_RDONLY);
  if (!plain.ok()) return plain.status;
  return DirectReader(std::move(plain.value), false);
}

Result<std::span<const std::uint8_t>> DirectReader::read(std::uint64_t offset, std::size_t length) {
  if (!block_) return Status::failure(ENOMEM, "no memory for a block");
  if (offset < blockOffset_ || offset + length > blockOffset_ + blockLength_) {
    blockOffset_ = offset / kAlignment * kAlignment;
    blockLength_ = 0;
    while (blockLength_ < kBlockBytes) {
      const ssize_t count = ::pread(file_.fd(), block_.get() + blockLength_, kBlockBytes - blockLength_,
                                    static_cast<off_t>(blockOffset_ + blockLength_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return systemFailure("read", "segment file");
      blockLength_ += static_cast<std::size_t>(count);
      if (count == 0 || static_cast<std::size_t>(count) % kAlignment != 0) break;  // the end of the file
    }
    if (!direct_) {
      (void)::posix_fadvise(file_.fd(), static_cast<off_t>(blockOffset_), static_cast<off_t>(blockLength_),
                            POSIX_FADV_DONTNEED);
    }
  }
  const std::uint64_t skipped = offset - blockOffset_;
  if (skipped >= blockLength_) return std::span<const std::uint8_t>{};
  return std::span<const std::uint8_t>(block_.get() + skipped, std::min<std::size_t>(length, blockLength_ - skipped));
}

}  // namespace packetfs
