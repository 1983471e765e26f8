// Reading bytes by address and gathering a file's extents, see blob_core.h.
#include <algorithm>
#include <cstring>

#include "blob_core.h"

namespace packetfs {
namespace {
constexpr std::size_t kStreamReadBytes = 128U << 10;  // as long as this only readahead of a sequential reader asks
constexpr std::uint64_t kPrefetchBytes = 8ULL << 20;
}  // namespace

Status BlobCore::read(BlobAddress address, std::uint8_t* target, std::size_t length) {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  if (length == 0) return Status::success();
  auto segment = segmentAt(address);
  if (!segment) return Status::failure(EIO, "an address names a segment that this node does not hold");
  return segment->readData(offsetOf(address), target, length);
}

Status BlobCore::readExtents(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint8_t* target,
                             std::size_t length) {
  std::uint64_t done = 0;  // bytes of target that are filled
  BlobAddress runAddress = kHole;
  std::uint64_t runStart = 0;
  std::uint64_t runLength = 0;
  bool fromDisk = false;
  const auto readRun = [&]() -> Status {
    if (runLength == 0) return Status::success();
    if (length < kStreamReadBytes) return read(runAddress, target + runStart, runLength);
    return readStream(runAddress, target + runStart, runLength, fromDisk);
  };
  for (std::size_t i = 0; i < count; i++) {
    const Extent& extent = extents[i];
    if (extent.fileOffset + extent.length <= fileOffset + done || extent.address == kHole) continue;
    if (extent.fileOffset >= fileOffset + length) break;
    const std::uint64_t skipped = extent.fileOffset < fileOffset + done ? fileOffset + done - extent.fileOffset : 0;
    const std::uint64_t start = extent.fileOffset + skipped - fileOffset;
    const std::uint64_t taken = std::min<std::uint64_t>(extent.length - skipped, length - start);
    const BlobAddress address = extent.address + skipped;
    if (start > done) std::memset(target + done, 0, start - done);
    if (runLength > 0 && start == runStart + runLength && address == runAddress + runLength) {
      runLength += taken;
    } else {
      Status status = readRun();
      if (!status.ok()) return status;
      runAddress = address;
      runStart = start;
      runLength = taken;
    }
    done = start + taken;
  }
  if (done < length) std::memset(target + done, 0, length - done);
  Status status = readRun();
  if (fromDisk) prefetch(extents, count, fileOffset + length);
  return status;
}

bool BlobCore::locateCached(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint64_t length,
                            std::size_t runsMax, std::vector<StoredRun>& runs) {
  runs.clear();
  if (closed_.load()) return false;
  const std::uint64_t end = fileOffset + length;
  std::uint64_t position = fileOffset;
  for (std::size_t i = 0; i < count && position < end; i++) {
    const Extent& extent = extents[i];
    const std::uint64_t extentEnd = extent.fileOffset + extent.length;
    if (extentEnd <= position) continue;
    if (extent.fileOffset > position || extent.address == kHole) return false;
    const BlobAddress address = extent.address + (position - extent.fileOffset);
    const std::uint64_t taken = std::min(end, extentEnd) - position;
    position += taken;
    auto segment = segmentAt(address);
    if (!segment || !segment->covers(offsetOf(address), taken)) return false;
    if (!runs.empty() && runs.back().owner == segment && runs.back().offset + runs.back().length == offsetOf(address)) {
      runs.back().length += taken;
      continue;
    }
    if (runs.size() == runsMax) return false;
    const int fd = segment->dataFd();
    runs.push_back({.owner = std::move(segment), .fd = fd, .offset = offsetOf(address), .length = taken});
  }
  return position >= end &&
         std::ranges::all_of(runs, [](const StoredRun& run) { return isCached(run.fd, run.offset + run.length - 1); });
}

Status BlobCore::readStream(BlobAddress address, std::uint8_t* target, std::size_t length, bool& fromDisk) const {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  auto segment = segmentAt(address);
  if (!segment) return Status::failure(EIO, "an address names a segment that this node does not hold");
  return segment->readData(offsetOf(address), target, length, fromDisk);
}

/// The kernel reads ahead in a segment file; a file's next bytes may lie elsewhere, or in another segment.
void BlobCore::prefetch(const Extent* extents, std::size_t count, std::uint64_t fileOffset) const {
  const std::uint64_t end = fileOffset + kPrefetchBytes;
  for (std::size_t i = 0; i < count && extents[i].fileOffset < end; i++) {
    const Extent& extent = extents[i];
    const std::uint64_t from = std::max(fileOffset, extent.fileOffset);
    const std::uint64_t to = std::min(end, extent.fileOffset + extent.length);
    if (from >= to || extent.address == kHole) continue;
    const BlobAddress address = extent.address + (from - extent.fileOffset);
    if (auto segment = segmentAt(address)) segment->prefetch(offsetOf(address), to - from);
  }
}

}  // namespace packetfs
