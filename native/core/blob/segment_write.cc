// Appending, placing, repairing and syncing chunks of a segment, see segment.h.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>

#include "segment.h"

namespace packetfs {
namespace {
constexpr std::uint64_t kPreallocationBytes = 16ULL << 20;
constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint32_t kWriteBackBytes = 4U << 20;
constexpr std::uint32_t kFlushBytes = 32U << 20;

int syncData(int fd) { return ::fdatasync(fd) == 0 ? 0 : errno; }
}  // namespace

bool Segment::hasRoom(std::uint32_t length, std::size_t records) const {
  if (full_ || sealed_.load() || failed_.load()) return false;
  std::shared_lock lock(mutex_);
  return length <= kSegmentDataBytesMax - dataEnd_ && records <= kSegmentRecordsMax - slots_;
}

bool Segment::canPlace(std::size_t records) const {
  if (failed_.load()) return false;
  if (records <= freeSlots_.size()) return true;
  std::shared_lock lock(mutex_);
  return !sealed_.load() && records - freeSlots_.size() <= kSegmentRecordsMax - slots_;
}

Status Segment::append(std::span<ChunkBytes> chunks) {
  std::uint32_t end = dataEnd_;
  for (ChunkBytes& chunk : chunks) {
    chunk.offset = end;
    end += chunk.length;
  }
  Status status = preallocate(end);
  if (!status.ok()) return status;
  return place(chunks);
}

std::optional<Segment::OffsetRange> Segment::takeFilledPages() {
  const std::uint32_t start = takenPagesEnd_;
  const std::uint32_t end = mark().dataBytes / kPageBytes * kPageBytes;
  if (end < start + kWriteBackBytes) return std::nullopt;
  takenPagesEnd_ = end;
  return OffsetRange{start, end};
}

void Segment::writeBack(OffsetRange range) {
  if (failed_.load()) return;
  // Only a hint: what it cannot begin, a sync does.
  (void)::sync_file_range(data_.fd(), range.first, range.second - range.first, SYNC_FILE_RANGE_WRITE);
  if (range.second < flushedEnd_ + kFlushBytes) return;
  std::lock_guard guard(flushMutex_);
  flushError_ = syncData(data_.fd());
  if (flushError_ != 0) failed_ = true;
  flushedEnd_ = range.second;
}

bool Segment::leavesReserve(std::uint64_t length) const {
  return place_.reserveBytes == 0 || diskHolds(data_.fd(), length + place_.reserveBytes);
}

Status Segment::leaveReserve(std::uint64_t length) const {
  if (leavesReserve(length)) return Status::success();
  return Status::failure(ENOSPC, "the disk below " + place_.path + " is full but for its reserve");
}

/// Space beyond the end of the file; near a full disk only what is needed now.
Status Segment::preallocate(std::uint32_t end) {
  if (end <= allocatedTo_) return Status::success();
  const std::uint64_t from = dataEnd_;
  const std::uint64_t ahead = std::min((end / kPreallocationBytes + 1) * kPreallocationBytes, kSegmentBytes);
  errno = ENOSPC;
  for (const std::uint64_t to : {ahead, std::uint64_t{end}}) {
    if (!leavesReserve(to - from)) continue;
    if (::fallocate(data_.fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(to - from)) == 0) {
      allocatedTo_ = to;
      return Status::success();
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {  // a filesystem that cannot: writes find out by themselves
      allocatedTo_ = kSegmentBytes;
      return Status::success();
    }
    if (errno != ENOSPC && errno != EDQUOT) break;
  }
  return systemFailure("allocate space in", place_.path + ".data");
}

Status Segment::place(std::span<const ChunkBytes> chunks) {
  std::vector<std::uint32_t> slots;
  slots.reserve(chunks.size());
  std::size_t reused = std::min(freeSlots_.size(), chunks.size());
  for (std::size_t i = 0; i < reused; i++) slots.push_back(freeSlots_[freeSlots_.size() - 1 - i]);
  for (std::uint32_t next = slots_; slots.size() < chunks.size(); next++) slots.push_back(next);
  if (reused > 0) {
    const std::uint32_t lowest = *std::min_element(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(reused));
    refilledFrom_ = std::min(refilledFrom_, lowest);
    Status status = lowerSyncMark(lowest);
    if (!status.ok()) return status;
  }
  Status status = writeData(chunks);
  if (!status.ok()) return status;

  std::vector<std::uint8_t> records(chunks.size() * kTableRecordBytes);
  for (std::size_t i = 0; i < chunks.size(); i++) {
    const ChunkBytes& chunk = chunks[i];
    encodeRecord({chunk.offset, chunk.length, chunk.hash, chunk.dataCrc}, records.data() + i * kTableRecordBytes);
  }
  touched_ = true;
  status = writeRecords(records, slots, reused);
  if (!status.ok()) return status;
  freeSlots_.resize(freeSlots_.size() - reused);
  publish(chunks, slots);
  noteUncopied(chunks);
  return Status::success();
}

std::vector<Segment::OffsetRange> Segment::uncopied() const {
  std::vector<OffsetRange> all = uncopiedFrozen_;
  all.insert(all.end(), uncopied_.begin(), uncopied_.end());
  return all;
}

void Segment::noteCopied() {
  uncopied_.clear();
  uncopiedFrozen_.clear();
}

void Segment::noteUncopied(std::span<const ChunkBytes> chunks) {
  for (const ChunkBytes& chunk : chunks) {
    if (!uncopied_.empty() && uncopied_.back().second == chunk.offset)
      uncopied_.back().second += chunk.length;
    else
      uncopied_.emplace_back(chunk.offset, chunk.offset + chunk.length);
  }
}

/// The first `reused` records go to slots of their own, the rest follow each other at the end of the table.
Status Segment::writeRecords(std::span<const std::uint8_t> records, std::span<const std::uint32_t> slots,
                             std::size_t reused) {
  for (std::size_t i = 0; i < reused; i++) {
    Status status =
        writeFully(table_.fd(), records.data() + i * kTableRecordBytes, kTableRecordBytes, slotOffset(slots[i]));
    if (!status.ok()) return status;
  }
  if (reused == slots.size()) return Status::success();
  const std::span<const std::uint8_t> added = records.subspan(reused * kTableRecordBytes);
  Status status = writeFully(table_.fd(), added.data(), added.size(), slotOffset(slots[reused]));
  if (status.ok()) return status;
  // A full disk may have taken some of them: they must not be found by the next opening.
  if (::ftruncate(table_.fd(), static_cast<off_t>(slotOffset(slots[reused]))) != 0) failed_ = true;
  return status;
}

/// Chunks that are neighbours in the segment go out in one write.
Status Segment::writeData(std::span<const ChunkBytes> chunks) {
  std::vector<iovec> parts;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  for (const ChunkBytes& chunk : chunks) {
    if (!parts.empty() && chunk.offset != end) {
      Status status = writePartsFully(data_.fd(), std::move(parts), start);
      if (!status.ok()) return status;
      parts = {};
    }
    if (parts.empty()) start = chunk.offset;
    parts.push_back({const_cast<std::uint8_t*>(chunk.bytes), chunk.length});
    end = chunk.offset + chunk.length;
  }
  return writePartsFully(data_.fd(), std::move(parts), start);
}

void Segment::publish(std::span<const ChunkBytes> chunks, std::span<const std::uint32_t> slots) {
  const auto before = [](const Start& a, const Start& b) { return a.offset < b.offset; };
  std::unique_lock lock(mutex_);
  const auto middle = static_cast<std::ptrdiff_t>(starts_.size());
  for (std::size_t i = 0; i < chunks.size(); i++) {
    starts_.push_back({chunks[i].offset, slots[i]});
    cover(chunks[i].offset, chunks[i].offset + chunks[i].length);
    dataEnd_ = std::max(dataEnd_, chunks[i].offset + chunks[i].length);
    slots_ = std::max(slots_, slots[i] + 1);
  }
  std::sort(starts_.begin() + middle, starts_.end(), before);
  std::inplace_merge(starts_.begin(), starts_.begin() + middle, starts_.end(), before);
}

Status Segment::repair(const ChunkBytes& chunk) {
  std::uint32_t slot = 0;
  {
    std::shared_lock lock(mutex_);
    const Start* start = startAtOrBefore(chunk.offset);
    if (start == nullptr || start->offset != chunk.offset) {
      return Status::failure(ENOENT, "the chunk to repair is not held");
    }
    slot = start->slot;
  }
  std::vector<std::uint8_t> stored(chunk.length);
  const bool intact = readFully(data_.fd(), stored.data(), chunk.length, chunk.offset).ok() &&
                      std::memcmp(stored.data(), chunk.bytes, chunk.length) == 0;
  if (!intact) {
    touched_ = true;
    Status status = writeFully(data_.fd(), chunk.bytes, chunk.length, chunk.offset);
    if (!status.ok()) return status;
  }
  std::uint8_t expected[kTableRecordBytes];
  std::uint8_t found[kTableRecordBytes];
  encodeRecord({chunk.offset, chunk.length, chunk.hash, chunk.dataCrc}, expected);
  const bool recorded = readFully(table_.fd(), found, kTableRecordBytes, slotOffset(slot)).ok() &&
                        std::memcmp(found, expected, kTableRecordBytes) == 0;
  if (recorded) return Status::success();
  touched_ = true;
  return writeFully(table_.fd(), expected, kTableRecordBytes, slotOffset(slot));
}

SegmentMark Segment::freeze() {
  touched_ = false;
  freezeIsPending_ = true;
  uncopiedFrozen_ = std::exchange(uncopied_, {});
  refilledFrom_ = UINT32_MAX;
  return mark();
}

Status Segment::makeDurable() {
  // Side by side, so that both wait for one commit of the filesystem below and one flush of the disk.
  std::future<int> table = std::async(std::launch::async | std::launch::deferred, syncData, table_.fd());
  const int dataError = syncData(data_.fd());
  const int tableError = table.get();
  int error = dataError != 0 ? dataError : tableError;
  if (error == 0) {  // the kernel tells an error once: a flush under way may be told what this sync should have been
    std::lock_guard guard(flushMutex_);
    error = flushError_;
  }
  if (error == 0) return Status::success();
  failed_ = true;
  return Status::failure(error, "sync: " + place_.path);
}

Status Segment::rememberDurable(SegmentMark mark) {
  freezeIsPending_ = false;
  uncopiedFrozen_.clear();
  const std::uint32_t synced = std::min(mark.records, refilledFrom_);
  std::uint8_t bytes[kSyncMarkBytes];
  encodeSyncMark(synced, bytes);
  Status status = writeFully(table_.fd(), bytes, kSyncMarkBytes, kSyncMarkOffset);
  if (status.ok()) syncedSlots_ = synced;
  return status;
}

/// Slots from here on count as not synced, on disk first: they are about to be filled again.
Status Segment::lowerSyncMark(std::uint32_t slot) {
  if (slot >= syncedSlots_.load()) return Status::success();
  std::uint8_t bytes[kSyncMarkBytes];
  encodeSyncMark(slot, bytes);
  Status status = writeFully(table_.fd(), bytes, kSyncMarkBytes, kSyncMarkOffset);
  if (!status.ok()) return status;
  if (::fdatasync(table_.fd()) != 0) {
    failed_ = true;
    return systemFailure("sync", place_.path + ".chunks");
  }
  syncedSlots_ = slot;
  return Status::success();
}

Status Segment::sealIfFull() {
  const SegmentMark end = mark();
  if (!full_ || sealed_.load() || failed_.load() || syncedSlots_.load() != end.records) return Status::success();
  std::vector<Hash256> hashes;
  for (const TableRecord& record : chunks()) hashes.push_back(record.hash);
  std::uint8_t footer[kTableRecordBytes];
  encodeFooter({end.records, end.dataBytes, merkleRoot(place_.identityKey, std::move(hashes))}, footer);
  Status status = writeFully(table_.fd(), footer, kTableRecordBytes, slotOffset(end.records));
  if (!status.ok()) return status;
  if (::fdatasync(table_.fd()) != 0) {
    failed_ = true;
    return systemFailure("sync", place_.path + ".chunks");
  }
  sealed_ = true;
  releasePreallocation();
  return Status::success();
}

/// Gives back what was allocated beyond the end of the file; a failure costs only space.
void Segment::releasePreallocation() {
  if (allocatedTo_ == 0) return;
  auto size = fileSize(data_.fd());
  if (size.ok() && ::ftruncate(data_.fd(), static_cast<off_t>(size.value)) == 0) allocatedTo_ = 0;
}

}  // namespace packetfs
