// Opening a segment: what docs/format/blob.md says under "Opening". Files are read with pread, so that a failing disk
// is an error here and not a signal.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "segment.h"

namespace packetfs {

struct Segment::LoadedSlots {
  enum class State : std::uint8_t {
    valid,
    lost,  // never reached the disk as a whole
    bad
  };
  std::vector<TableRecord> records{};
  std::vector<State> states{};
  std::uint64_t tableBytes = 0;
  std::uint64_t dataBytes = 0;
  bool headerDamaged = false;
};

namespace {
constexpr std::size_t kReadRecords = 16384;  // 1 MiB of table at a time

bool recordIsZero(const std::uint8_t* bytes) {
  return std::all_of(bytes, bytes + kTableRecordBytes, [](std::uint8_t byte) { return byte == 0; });
}
}  // namespace

Status Segment::openFiles() {
  auto table = openFile(place_.path + ".chunks", O_RDWR | O_CREAT);
  if (!table.ok()) return table.status;
  auto data = openFile(place_.path + ".data", O_RDWR | O_CREAT);
  if (!data.ok()) return data.status;
  table_ = std::move(table.value);
  data_ = std::move(data.value);
  return Status::success();
}

Status Segment::load() {
  LoadedSlots slots;
  auto dataBytes = fileSize(data_.fd());
  if (!dataBytes.ok()) return dataBytes.status;
  slots.dataBytes = dataBytes.value;
  Status status = readSlots(slots);
  if (!status.ok()) return status;
  rejectOverlaps(slots);
  verifyUnsynced(slots);
  return classify(slots);
}

Status Segment::readSlots(LoadedSlots& slots) {
  auto tableBytes = fileSize(table_.fd());
  if (!tableBytes.ok()) return tableBytes.status;
  slots.tableBytes = tableBytes.value;
  std::uint8_t header[kTableHeaderBytes] = {};
  if (slots.tableBytes >= kTableHeaderBytes) {
    Status status = readFully(table_.fd(), header, kTableHeaderBytes, 0);
    if (!status.ok()) return status;
  }
  const HeaderCheck check = checkHeader(place_.identity, header);
  if (check == HeaderCheck::foreign) {
    return Status::failure(EINVAL, place_.path + ".chunks belongs to another volume, log or chunker");
  }
  if (check == HeaderCheck::damaged) {
    slots.headerDamaged = true;
    isNew_ = slots.tableBytes <= kTableHeaderBytes;  // a full disk may have taken a part of a new header
    encodeHeader(place_.identity, header);
    Status status = writeFully(table_.fd(), header, kTableHeaderBytes, 0);
    if (!status.ok()) return status;
  }
  syncedSlots_ = decodeSyncMark(header + kSyncMarkOffset);

  const std::uint64_t held = slots.tableBytes < kTableHeaderBytes ? 0 : slots.tableBytes - kTableHeaderBytes;
  const auto count =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(held / kTableRecordBytes, kSegmentRecordsMax + 1));
  slots.records.reserve(count);
  std::vector<std::uint8_t> block(kReadRecords * kTableRecordBytes);
  for (std::uint32_t first = 0; first < count; first += kReadRecords) {
    const std::uint32_t taken = std::min<std::uint32_t>(kReadRecords, count - first);
    Status status = readFully(table_.fd(), block.data(), taken * kTableRecordBytes, slotOffset(first));
    if (!status.ok()) return status;
    for (std::uint32_t i = 0; i < taken; i++) {
      const std::uint8_t* bytes = block.data() + i * kTableRecordBytes;
      TableFooter footer;
      if (first + i + 1 == count && decodeFooter(bytes, footer) && footer.records == first + i) {
        sealed_ = true;
        full_ = true;
        syncedSlots_ = footer.records;
        break;
      }
      if (first + i == kSegmentRecordsMax) break;
      TableRecord record;
      auto state = LoadedSlots::State::valid;
      if (!decodeRecord(bytes, place_.chunkBytesMax, record)) {
        state = recordIsZero(bytes) ? LoadedSlots::State::lost : LoadedSlots::State::bad;
      } else if (std::uint64_t{record.offset} + record.length > slots.dataBytes) {
        state = LoadedSlots::State::lost;
      }
      slots.records.push_back(record);
      slots.states.push_back(state);
    }
  }
  return Status::success();
}

void Segment::rejectOverlaps(LoadedSlots& slots) const {
  std::vector<std::uint32_t> order;
  order.reserve(slots.records.size());
  bool inOrder = true;
  std::uint64_t end = 0;
  for (std::uint32_t slot = 0; slot < slots.records.size(); slot++) {
    if (slots.states[slot] != LoadedSlots::State::valid) continue;
    const TableRecord& record = slots.records[slot];
    inOrder = inOrder && record.offset >= end;
    end = std::uint64_t{record.offset} + record.length;
    order.push_back(slot);
  }
  if (inOrder) return;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return slots.records[a].offset != slots.records[b].offset ? slots.records[a].offset < slots.records[b].offset
                                                              : a < b;
  });
  std::uint32_t kept = order.front();
  for (std::size_t i = 1; i < order.size(); i++) {
    const std::uint32_t slot = order[i];
    const TableRecord& before = slots.records[kept];
    if (slots.records[slot].offset >= before.offset + before.length) {
      kept = slot;
      continue;
    }
    slots.states[std::max(kept, slot)] = LoadedSlots::State::bad;
    kept = std::min(kept, slot);
  }
}

/// Data that cannot be read counts as lost, as data that is not what its record says.
void Segment::verifyUnsynced(LoadedSlots& slots) const {
  std::vector<std::uint8_t> bytes(place_.chunkBytesMax);
  for (std::uint32_t slot = syncedSlots_; slot < slots.records.size(); slot++) {
    if (slots.states[slot] != LoadedSlots::State::valid) continue;
    const TableRecord& record = slots.records[slot];
    const bool intact = readFully(data_.fd(), bytes.data(), record.length, record.offset).ok() &&
                        crc32c(bytes.data(), record.length) == record.dataCrc;
    if (!intact) slots.states[slot] = LoadedSlots::State::lost;
  }
}

Status Segment::classify(LoadedSlots& slots) {
  const std::uint32_t synced = syncedSlots_;
  auto count = static_cast<std::uint32_t>(slots.records.size());
  if (count < synced) {  // the table was cut off below what had been synced
    findings_.corrupt = true;
    Status status = lowerSyncMark(count);
    if (!status.ok()) return status;
  }
  const std::uint32_t found = count;
  Status closed = closeGaps(slots, count);
  if (!closed.ok()) return closed;
  const bool partialSlot = slots.tableBytes > kTableHeaderBytes && slots.tableBytes % kTableRecordBytes != 0;
  if (!sealed_ && (count < found || partialSlot)) {
    findings_.torn = true;
    if (::ftruncate(table_.fd(), static_cast<off_t>(slotOffset(count))) != 0) {
      return systemFailure("truncate", place_.path + ".chunks");
    }
  }
  starts_.reserve(count);
  for (std::uint32_t slot = 0; slot < count; slot++) {
    if (slots.states[slot] == LoadedSlots::State::valid) {
      const TableRecord& record = slots.records[slot];
      starts_.push_back({record.offset, slot});
      dataEnd_ = std::max(dataEnd_, record.offset + record.length);
      continue;
    }
    freeSlots_.push_back(slot);
    const bool neverWritten = slot >= synced && slots.states[slot] == LoadedSlots::State::lost;
    (neverWritten ? findings_.torn : findings_.corrupt) = true;
  }
  if (slots.headerDamaged && !starts_.empty()) findings_.corrupt = true;
  // Records of the own log are in order; of other logs they come as literals do.
  if (!std::ranges::is_sorted(starts_, {}, &Start::offset)) std::ranges::sort(starts_, {}, &Start::offset);
  for (const Start& start : starts_) cover(start.offset, start.offset + slots.records[start.slot].length);
  slots_ = count;
  takenPagesEnd_ = flushedEnd_ = dataEnd_;
  touched_ = count > synced;
  return Status::success();
}

/// A power cut may take a record and leave those behind it. Records have no order, so the last ones move into the gaps:
/// a gap left in the table would be a damaged record to the next opening. The tail that holds none is cut off.
Status Segment::closeGaps(LoadedSlots& slots, std::uint32_t& count) {
  const std::uint32_t synced = syncedSlots_;
  const auto dropTail = [&] {
    while (count > synced && slots.states[count - 1] != LoadedSlots::State::valid) count--;
  };
  dropTail();
  bool moved = false;
  for (std::uint32_t slot = synced; slot < count; slot++) {
    if (slots.states[slot] != LoadedSlots::State::lost) continue;
    std::uint8_t bytes[kTableRecordBytes];
    encodeRecord(slots.records[count - 1], bytes);
    Status status = writeFully(table_.fd(), bytes, kTableRecordBytes, slotOffset(slot));
    if (!status.ok()) return status;
    slots.records[slot] = slots.records[count - 1];
    slots.states[slot] = LoadedSlots::State::valid;
    slots.states[count - 1] = LoadedSlots::State::lost;
    moved = true;
    dropTail();
  }
  if (moved && ::fdatasync(table_.fd()) != 0) return systemFailure("sync", place_.path + ".chunks");
  return Status::success();
}

void Segment::cover(std::uint32_t start, std::uint32_t end) {
  auto next = coverage_.lower_bound(start);
  if (next != coverage_.begin() && std::prev(next)->second == start) {
    auto before = std::prev(next);
    before->second = end;
    if (next != coverage_.end() && next->first == end) {
      before->second = next->second;
      coverage_.erase(next);
    }
    return;
  }
  if (next != coverage_.end() && next->first == end) {
    end = next->second;
    next = coverage_.erase(next);
  }
  coverage_.emplace_hint(next, start, end);
}

}  // namespace packetfs
