// Inspecting a segment, see inspect.h. What makes a slot valid is what docs/format/blob.md says under "Opening".
#include "inspect.h"

#include <fcntl.h>

#include <algorithm>

#include "direct_reader.h"

namespace packetfs {
namespace {

using Fault = SegmentInspection::Fault;

constexpr std::uint32_t kBlockRecords = 4096;

struct SlotRecord {
  TableRecord record{};
  std::uint32_t slot = 0;
};

class Inspector {
 public:
  Inspector(const Segment::Place& place, bool verifyData) : place_(place), verifyData_(verifyData) {}

  Result<SegmentInspection> run() {
    auto data = openFile(place_.path + ".data", O_RDONLY);
    if (!data.ok() && data.status.error != ENOENT) return data.status;
    found_.hasData = data.ok();
    data_ = std::move(data.value);
    Status status = sizeOf(data_, found_.dataBytes);
    if (!status.ok()) return status;
    auto table = openFile(place_.path + ".chunks", O_RDONLY);
    if (!table.ok() && table.status.error != ENOENT) return table.status;
    found_.hasTable = table.ok();
    if (!found_.hasTable) return std::move(found_);
    table_ = std::move(table.value);
    status = sizeOf(table_, found_.tableBytes);
    if (status.ok()) status = readHeader();
    if (status.ok() && found_.header != HeaderCheck::foreign) status = readRecords();
    if (!status.ok()) return status;
    std::sort(valid_.begin(), valid_.end(), [](const SlotRecord& a, const SlotRecord& b) {
      return a.record.offset != b.record.offset ? a.record.offset < b.record.offset : a.slot < b.slot;
    });
    rejectOverlaps();
    status = verifyData();
    if (!status.ok()) return status;
    cover();
    checkFooter();
    return std::move(found_);
  }

 private:
  static Status sizeOf(const Descriptor& file, std::uint64_t& size) {
    if (!file.isOpen()) return Status::success();
    auto result = fileSize(file.fd());
    if (result.ok()) size = result.value;
    return result.status;
  }

  void report(Fault fault, std::uint32_t slot, const TableRecord& record = {}) {
    found_.problemCount++;
    if (found_.problems.size() < kInspectionProblemsMax) {
      found_.problems.push_back({fault, slot, record.offset, record.length});
    }
  }

  Status readHeader() {
    if (found_.tableBytes < kTableHeaderBytes) return Status::success();
    std::uint8_t header[kTableHeaderBytes];
    Status status = readFully(table_.fd(), header, kTableHeaderBytes, 0);
    if (!status.ok()) return status;
    found_.header = checkHeader(place_.identity, header);
    found_.syncedRecords = decodeSyncMark(header + kSyncMarkOffset);
    return Status::success();
  }

  Status readRecords() {
    if (found_.tableBytes < kTableHeaderBytes) return Status::success();
    const std::uint64_t held = (found_.tableBytes - kTableHeaderBytes) / kTableRecordBytes;
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(held, kSegmentRecordsMax + 1));
    std::vector<std::uint8_t> block(std::size_t{kBlockRecords} * kTableRecordBytes);
    for (std::uint32_t first = 0; first < count; first += kBlockRecords) {
      const std::uint32_t taken = std::min(kBlockRecords, count - first);
      Status status = readFully(table_.fd(), block.data(), std::size_t{taken} * kTableRecordBytes, slotOffset(first));
      if (!status.ok()) return status;
      for (std::uint32_t i = 0; i < taken; i++) {
        const std::uint8_t* bytes = block.data() + std::size_t{i} * kTableRecordBytes;
        if (first + i + 1 == count && decodeFooter(bytes, footer_) && footer_.records == first + i) {
          found_.sealed = true;
          found_.syncedRecords = footer_.records;
          return Status::success();
        }
        if (first + i < kSegmentRecordsMax) takeSlot(first + i, bytes);
      }
    }
    return Status::success();
  }

  void takeSlot(std::uint32_t slot, const std::uint8_t* bytes) {
    TableRecord record;
    if (!decodeRecord(bytes, place_.chunkBytesMax, record)) {
      const bool isZero = std::all_of(bytes, bytes + kTableRecordBytes, [](std::uint8_t byte) { return byte == 0; });
      report(isZero ? Fault::lost : Fault::record, slot);
    } else if (std::uint64_t{record.offset} + record.length > found_.dataBytes) {
      report(Fault::lost, slot, record);
    } else {
      valid_.push_back({record, slot});
    }
  }

  /// Of two records that overlap the one in the lower slot stands.
  void rejectOverlaps() {
    std::vector<SlotRecord> kept;
    kept.reserve(valid_.size());
    for (const SlotRecord& next : valid_) {
      const bool overlaps = !kept.empty() && next.record.offset < kept.back().record.offset + kept.back().record.length;
      if (!overlaps) {
        kept.push_back(next);
        continue;
      }
      const bool replaces = next.slot < kept.back().slot;
      const SlotRecord& rejected = replaces ? kept.back() : next;
      report(Fault::record, rejected.slot, rejected.record);
      if (replaces) kept.back() = next;
    }
    valid_ = std::move(kept);
  }

  /// All chunks, or only those whose table does not say that they were synced: a crash may have torn them.
  Status verifyData() {
    const std::uint32_t synced = found_.syncedRecords;
    const bool anyUnsynced =
        std::any_of(valid_.begin(), valid_.end(), [synced](const SlotRecord& entry) { return entry.slot >= synced; });
    if (valid_.empty() || (!verifyData_ && !anyUnsynced)) return Status::success();
    auto reader = DirectReader::open(place_.path + ".data");
    if (!reader.ok()) return reader.status;
    std::vector<SlotRecord> kept;
    kept.reserve(valid_.size());
    for (const SlotRecord& entry : valid_) {
      if ((!verifyData_ && entry.slot < synced) || isIntact(reader.value, entry.record)) {
        kept.push_back(entry);
        continue;
      }
      report(entry.slot < synced ? Fault::data : Fault::lost, entry.slot, entry.record);
    }
    valid_ = std::move(kept);
    return Status::success();
  }

  bool isIntact(DirectReader& reader, const TableRecord& record) {
    auto bytes = reader.read(record.offset, record.length);
    return bytes.ok() && bytes.value.size() == record.length &&
           blake3Keyed(place_.identityKey, bytes.value.data(), record.length) == record.hash;
  }

  void cover() {
    found_.records = static_cast<std::uint32_t>(valid_.size());
    for (const auto& [record, slot] : valid_) {
      found_.slots = std::max(found_.slots, slot + 1);
      const std::uint32_t end = record.offset + record.length;
      found_.dataEnd = std::max<std::uint64_t>(found_.dataEnd, end);
      if (!found_.coverage.empty() && found_.coverage.back().second == record.offset) {
        found_.coverage.back().second = end;
      } else {
        found_.coverage.emplace_back(record.offset, end);
      }
    }
  }

  void checkFooter() {
    if (!found_.sealed || found_.records != footer_.records) return;  // a bad record was reported by itself
    std::vector<Hash256> hashes;
    hashes.reserve(valid_.size());
    for (const SlotRecord& entry : valid_) hashes.push_back(entry.record.hash);
    const bool fits =
        found_.dataEnd == footer_.dataBytes && merkleRoot(place_.identityKey, std::move(hashes)) == footer_.merkleRoot;
    if (!fits) report(Fault::footer, footer_.records);
  }

  const Segment::Place& place_;
  bool verifyData_;
  Descriptor data_{};
  Descriptor table_{};
  TableFooter footer_{};
  std::vector<SlotRecord> valid_{};
  SegmentInspection found_{};
};

}  // namespace

Result<SegmentInspection> inspectSegment(const Segment::Place& place, bool verifyData) {
  return Inspector(place, verifyData).run();
}

}  // namespace packetfs
