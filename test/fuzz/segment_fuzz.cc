// A segment's two files, as a disk may give them back: opening and inspecting them finds only chunks that lie within
// the data, one beside the other, and what opening put right stays so.
#include "../../native/core/blob/inspect.h"
#include "../../native/core/blob/segment.h"

#include <unistd.h>

#include <algorithm>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::uint32_t kChunkBytesMax = 512;
constexpr std::size_t kDataBytes = 4096;
constexpr std::size_t kSlotsMost = 32;
constexpr std::size_t kRecordCrcAt = 60;

/// Flags of an input, before the bytes of its table.
constexpr std::uint32_t kMakeHeader = 1;         // a valid one in front
constexpr std::uint32_t kPutChecksumsRight = 2;  // of every slot

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "pfs-fuzz-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string at(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

const Directory& directory() {
  static const Directory made;
  return made;
}

Segment::Place place() {
  Segment::Place result;
  result.path = directory().at("00000");
  result.identity.volumeId.fill(7);
  result.identity.chunkerId.fill(8);
  result.identity.logName = "example-1";
  result.identityKey.fill(9);
  result.chunkBytesMax = kChunkBytesMax;
  return result;
}

void writeFile(const std::string& path, std::span<const std::uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Bytes tableOf(std::uint32_t flags, std::uint32_t syncedRecords, std::span<const std::uint8_t> bytes) {
  Bytes table;
  if ((flags & kMakeHeader) != 0) {
    table.resize(kTableHeaderBytes);
    encodeHeader(place().identity, table.data());
    encodeSyncMark(syncedRecords, table.data() + kSyncMarkOffset);
  }
  table.insert(table.end(), bytes.begin(), bytes.end());
  if ((flags & kPutChecksumsRight) == 0) return table;
  for (std::size_t at = kTableHeaderBytes; at + kTableRecordBytes <= table.size(); at += kTableRecordBytes) {
    storeLittle32(table.data() + at + kRecordCrcAt, crc32c(table.data() + at, kRecordCrcAt));
  }
  return table;
}

Bytes recordsOf(std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> chunks) {
  const Bytes data = pattern(kDataBytes);
  Bytes records;
  for (const auto& [offset, length] : chunks) {
    records.resize(records.size() + kTableRecordBytes);
    const TableRecord record{offset, length, blake3Keyed(place().identityKey, data.data() + offset, length),
                             crc32c(data.data() + offset, length)};
    encodeRecord(record, records.data() + records.size() - kTableRecordBytes);
  }
  return records;
}

Bytes footerOf(std::uint32_t records, std::uint32_t dataBytes, const Hash256& root) {
  Bytes footer(kTableRecordBytes);
  encodeFooter({records, dataBytes, root}, footer.data());
  return footer;
}

using Ranges = std::vector<Segment::OffsetRange>;

void checkCoverage(const Ranges& coverage, std::uint64_t dataBytes) {
  std::uint64_t end = 0;
  for (const auto& [from, to] : coverage) {
    REQUIRE(from < to && to <= dataBytes);
    REQUIRE(end == 0 ? from >= end : from > end);
    end = to;
  }
}

void checkInspection(const SegmentInspection& found) {
  REQUIRE(found.dataBytes == kDataBytes);
  checkCoverage(found.coverage, found.dataBytes);
  REQUIRE(found.records <= found.slots && found.slots <= kSlotsMost + 4);
  REQUIRE(found.dataEnd <= found.dataBytes);
  REQUIRE(found.problems.size() <= found.problemCount);
}

void checkOpened(const Segment& segment) {
  checkCoverage(segment.coverage(), kDataBytes);
  std::uint32_t end = 0;
  for (const TableRecord& record : segment.chunks()) {
    REQUIRE(record.offset >= end && record.length > 0 && record.length <= kChunkBytesMax);
    end = record.offset + record.length;
    Bytes bytes(record.length);
    REQUIRE(segment.readData(record.offset, bytes.data(), bytes.size()).ok());
    TableRecord found;
    REQUIRE(segment.chunkAt(end - 1, found) && found.offset == record.offset && found.length == record.length);
  }
}

}  // namespace

std::vector<Bytes> seeds() {
  const auto seedOf = [](std::uint8_t flags, std::uint8_t synced, Bytes bytes) {
    bytes.insert(bytes.begin(), {flags, synced});
    return bytes;
  };
  const Bytes three = recordsOf({{0, 100}, {100, 512}, {1000, 1}});
  const Bytes overlapping = recordsOf({{0, 100}, {50, 100}, {3900, 196}});
  Bytes sealed = three, whole(kTableHeaderBytes), gap = recordsOf({{0, 1}});
  const Bytes footer = footerOf(3, 1001, {});
  sealed.insert(sealed.end(), footer.begin(), footer.end());
  encodeHeader(place().identity, whole.data());
  whole.insert(whole.end(), three.begin(), three.end());
  gap.resize(5 * kTableRecordBytes + 7);
  return {seedOf(1, 0, three), seedOf(1, 2, three), seedOf(3, 3, overlapping), seedOf(1, 0, sealed),
          seedOf(0, 0, whole), seedOf(1, 9, gap),   seedOf(1, 0, {})};
}

void fuzzOne(std::span<const std::uint8_t> input) {
  Parameters parameters(input);
  const std::uint32_t flags = parameters.take(1), synced = parameters.take(1);
  const auto bytes = parameters.rest();
  const auto table = bytes.first(std::min(bytes.size(), kTableHeaderBytes + kSlotsMost * kTableRecordBytes));
  const Segment::Place where = place();
  writeFile(where.path + ".chunks", tableOf(flags, synced, table));
  writeFile(where.path + ".data", pattern(kDataBytes));
  for (const bool verifyData : {false, true}) {
    const auto inspected = inspectSegment(where, verifyData);
    REQUIRE(inspected.ok());
    checkInspection(inspected.value);
  }
  const auto opened = Segment::open(where);
  if (!opened.ok()) return;  // another volume's
  checkOpened(*opened.value);
  const Ranges coverage = opened.value->coverage();
  const auto again = Segment::open(where);
  REQUIRE(again.ok());
  REQUIRE(again.value->coverage() == coverage);
  REQUIRE(again.value->sealed() == opened.value->sealed());
}

}  // namespace packetfs::fuzz
