// Lookups of a segment, see segment.h.
#include "segment.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <mutex>

namespace packetfs {
namespace {
constexpr std::size_t kTableMapBytes = kTableHeaderBytes + (std::size_t{kSegmentRecordsMax} + 1) * kTableRecordBytes;
}

Result<std::shared_ptr<Segment>> Segment::open(Place place) {
  std::shared_ptr<Segment> segment(new Segment(std::move(place)));
  Status status = segment->openFiles();
  if (!status.ok()) return status;
  void* mapped = ::mmap(nullptr, kTableMapBytes, PROT_READ, MAP_SHARED, segment->table_.fd(), 0);
  if (mapped == MAP_FAILED) return systemFailure("mmap", segment->place_.path + ".chunks");
  segment->mapped_ = static_cast<const std::uint8_t*>(mapped);
  status = segment->load();
  if (!status.ok()) return status;
  return segment;
}

Segment::~Segment() {
  if (mapped_ != nullptr) ::munmap(const_cast<std::uint8_t*>(mapped_), kTableMapBytes);
}

SegmentMark Segment::mark() const {
  std::shared_lock lock(mutex_);
  return {slots_, dataEnd_};
}

bool Segment::recordInSlot(std::uint32_t slot, TableRecord& record) const {
  return decodeRecord(mapped_ + slotOffset(slot), place_.chunkBytesMax, record);
}

const Segment::Start* Segment::startAtOrBefore(std::uint32_t offset) const {
  auto after = std::upper_bound(starts_.begin(), starts_.end(), offset,
                                [](std::uint32_t wanted, const Start& start) { return wanted < start.offset; });
  return after == starts_.begin() ? nullptr : &*std::prev(after);
}

bool Segment::chunkAt(std::uint32_t offset, TableRecord& record) const {
  std::shared_lock lock(mutex_);
  const Start* start = startAtOrBefore(offset);
  return start != nullptr && recordInSlot(start->slot, record) && record.offset == start->offset &&
         offset - record.offset < record.length;
}

bool Segment::chunkStartingAt(std::uint32_t offset, TableRecord& record) const {
  std::shared_lock lock(mutex_);
  const Start* start = startAtOrBefore(offset);
  return start != nullptr && start->offset == offset && recordInSlot(start->slot, record) && record.offset == offset;
}

bool Segment::matchableChunkAt(std::uint32_t offset, TableRecord& record) const {
  std::shared_lock lock(mutex_);
  const Start* start = startAtOrBefore(offset);
  if (start == nullptr || start->offset != offset) return false;
  if (failed_.load() && start->slot >= syncedSlots_.load()) return false;
  return recordInSlot(start->slot, record) && record.offset == offset;
}

bool Segment::isDamagedChunk(std::uint32_t offset, std::uint32_t length) const {
  std::shared_lock lock(mutex_);
  const Start* start = startAtOrBefore(offset);
  TableRecord record;
  if (start == nullptr || start->offset != offset || recordInSlot(start->slot, record)) return false;
  const Start* last = startAtOrBefore(offset + length - 1);
  const Start* next = startAtOrBefore(offset + length);
  if (last != start) return false;
  // It ends where the next chunk begins, or where the covered bytes end.
  if (next != start) return true;
  return std::prev(coverage_.upper_bound(offset))->second == offset + length;
}

bool Segment::covers(std::uint32_t offset, std::uint64_t length) const {
  std::shared_lock lock(mutex_);
  auto after = coverage_.upper_bound(offset);
  if (after == coverage_.begin()) return false;
  return std::uint64_t{offset} + length <= std::prev(after)->second;
}

bool Segment::touches(std::uint32_t offset, std::uint64_t length) const {
  std::shared_lock lock(mutex_);
  auto after = coverage_.upper_bound(offset);
  if (after != coverage_.begin() && std::prev(after)->second > offset) return true;
  return after != coverage_.end() && after->first < std::uint64_t{offset} + length;
}

std::vector<Segment::OffsetRange> Segment::coverage() const {
  std::shared_lock lock(mutex_);
  return {coverage_.begin(), coverage_.end()};
}

std::vector<Segment::OffsetRange> Segment::coverageWithin(std::uint32_t offset, std::uint64_t length) const {
  const std::uint64_t end = offset + length;
  std::vector<OffsetRange> parts;
  std::shared_lock lock(mutex_);
  auto next = coverage_.upper_bound(offset);
  if (next != coverage_.begin() && std::prev(next)->second > offset) --next;
  for (; next != coverage_.end() && next->first < end; ++next) {
    parts.emplace_back(std::max(next->first, offset),
                       static_cast<std::uint32_t>(std::min<std::uint64_t>(next->second, end)));
  }
  return parts;
}

std::vector<Segment::Start> Segment::starts() const {
  std::shared_lock lock(mutex_);
  return starts_;
}

std::vector<TableRecord> Segment::chunks() const {
  std::shared_lock lock(mutex_);
  std::vector<TableRecord> records;
  records.reserve(starts_.size());
  TableRecord record;
  for (const Start& start : starts_) {
    if (recordInSlot(start.slot, record)) records.push_back(record);
  }
  // Or the whole table stays resident for one look at it. What is needed of it again comes back by itself.
  (void)::madvise(const_cast<std::uint8_t*>(mapped_), kTableMapBytes, MADV_DONTNEED);
  return records;
}

Status Segment::readData(std::uint32_t offset, std::uint8_t* target, std::size_t length) const {
  if (!covers(offset, length)) return Status::failure(EIO, "bytes are referred to that this node does not hold");
  return readFully(data_.fd(), target, length, offset);
}

Status Segment::readData(std::uint32_t offset, std::uint8_t* target, std::size_t length, bool& fromDisk) const {
  if (!covers(offset, length)) return Status::failure(EIO, "bytes are referred to that this node does not hold");
  return readCachedFirst(data_.fd(), target, length, offset, fromDisk);
}

/// A hint: where it fails, the read that follows waits for the disk.
void Segment::prefetch(std::uint32_t offset, std::size_t length) const {
  (void)::posix_fadvise(data_.fd(), offset, static_cast<off_t>(length), POSIX_FADV_WILLNEED);
}

}  // namespace packetfs
