// Verifying one segment from the disk: every record's CRC, the footer, every chunk's hash. Findings name where the
// damage is, as exactly as what is left of the table allows.
#include <algorithm>

#include "blob_core.h"
#include "direct_reader.h"

namespace packetfs {
namespace {

class SegmentScrub {
 public:
  SegmentScrub(const Segment& segment, LogNumber log, Blob::ScrubOutcome& outcome)
      : segment_(segment), place_(segment.place()), log_(log), outcome_(outcome) {}

  Status run() {
    const SegmentMark end = segment_.mark();
    starts_ = segment_.starts();
    Status status = readTable(end.records);
    if (!status.ok()) return status;
    return readData();
  }

 private:
  void report(std::uint64_t offset, std::uint64_t length, const char* reason) {
    const BlobAddress base = makeAddress(log_, makePosition(segment_.number(), 0));
    outcome_.findings.push_back({base + offset, length, reason});
  }

  Status readTable(std::uint32_t slots) {
    auto reader = DirectReader::open(place_.path + ".chunks");
    if (!reader.ok()) return reader.status;
    auto header = reader.value.read(0, kTableHeaderBytes);
    if (!header.ok()) return header.status;
    if (header.value.size() < kTableHeaderBytes ||
        checkHeader(place_.identity, header.value.data()) != HeaderCheck::valid) {
      report(0, 0, "record");
    }
    std::vector<std::uint32_t> offsetOfSlot(slots, UINT32_MAX);
    for (const Segment::Start& start : starts_) {
      if (start.slot < slots) offsetOfSlot[start.slot] = start.offset;
    }
    for (std::uint32_t slot = 0; slot < slots; slot++) {
      auto bytes = reader.value.read(slotOffset(slot), kTableRecordBytes);
      if (!bytes.ok()) return bytes.status;
      TableRecord record;
      const bool valid = bytes.value.size() == kTableRecordBytes &&
                         decodeRecord(bytes.value.data(), place_.chunkBytesMax, record) &&
                         record.offset == offsetOfSlot[slot];
      if (valid) {
        records_.push_back(record);
      } else {
        reportSlot(slot, offsetOfSlot[slot]);
      }
    }
    std::sort(records_.begin(), records_.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
    return segment_.sealed() ? readFooter(reader.value, slots) : Status::success();
  }

  /// A damaged record: the chunk is the one that memory knows, or the gap between its neighbours in the table.
  void reportSlot(std::uint32_t slot, std::uint32_t offset) {
    if (offset != UINT32_MAX) {
      auto next = std::upper_bound(starts_.begin(), starts_.end(), offset,
                                   [](std::uint32_t wanted, const auto& start) { return wanted < start.offset; });
      const std::uint32_t end = next == starts_.end() ? segment_.mark().dataBytes : next->offset;
      report(offset, end - offset, "record");
      return;
    }
    TableRecord before;
    TableRecord after;
    bool hasBefore = slot == 0;
    bool hasAfter = false;
    for (const Segment::Start& start : starts_) {
      if (slot > 0 && start.slot == slot - 1) hasBefore = segment_.chunkStartingAt(start.offset, before);
      if (start.slot == slot + 1) hasAfter = segment_.chunkStartingAt(start.offset, after);
    }
    const std::uint32_t gapStart = before.offset + before.length;
    const bool isGap = hasBefore && hasAfter && after.offset > gapStart;
    report(isGap ? gapStart : 0, isGap ? after.offset - gapStart : 0, "record");
  }

  Status readFooter(DirectReader& reader, std::uint32_t slots) {
    auto bytes = reader.read(slotOffset(slots), kTableRecordBytes);
    if (!bytes.ok()) return bytes.status;
    TableFooter footer;
    if (bytes.value.size() != kTableRecordBytes || !decodeFooter(bytes.value.data(), footer) ||
        footer.records != slots) {
      report(0, 0, "record");
      return Status::success();
    }
    if (records_.size() != slots) return Status::success();  // named already, one by one
    std::vector<Hash256> hashes;
    for (const TableRecord& record : records_) hashes.push_back(record.hash);
    if (merkleRoot(place_.identityKey, std::move(hashes)) != footer.merkleRoot) report(0, 0, "record");
    return Status::success();
  }

  Status readData() {
    auto reader = DirectReader::open(place_.path + ".data");
    if (!reader.ok()) return reader.status;
    for (const TableRecord& record : records_) {
      auto bytes = reader.value.read(record.offset, record.length);
      outcome_.chunks++;
      outcome_.bytes += record.length;
      if (!bytes.ok()) {
        report(record.offset, record.length, "data");  // the disk cannot give it
      } else if (bytes.value.size() < record.length) {
        report(record.offset, record.length, "missing");
      } else if (blake3Keyed(place_.identityKey, bytes.value.data(), record.length) != record.hash) {
        report(record.offset, record.length, "data");
      }
    }
    return Status::success();
  }

  const Segment& segment_;
  const Segment::Place& place_;
  LogNumber log_;
  Blob::ScrubOutcome& outcome_;
  std::vector<Segment::Start> starts_{};
  std::vector<TableRecord> records_{};
};

}  // namespace

Result<Blob::ScrubOutcome> BlobCore::scrubSegment(LogNumber log, std::uint32_t segment) {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  auto found = segmentAt(makeAddress(log, makePosition(segment, 0)));
  if (!found) return Status::failure(ENOENT, "no such segment");
  ScrubOutcome outcome;
  Status status = SegmentScrub(*found, log, outcome).run();
  if (!status.ok()) return status;
  return outcome;
}

}  // namespace packetfs
