// The header, the records, the footer and the sync mark of a chunk table, as they are and with their checksums put
// right: what decodes is within its bounds, and its encoding decodes to the same.
#include "../../native/core/blob/table_format.h"

#include <algorithm>
#include <cstring>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr std::uint32_t kLengthMax = 24576;
constexpr std::size_t kHeaderCrcAt = 172;
constexpr std::size_t kRecordCrcAt = 60;

using Record = std::array<std::uint8_t, kTableRecordBytes>;
using Header = std::array<std::uint8_t, kTableHeaderBytes>;

TableIdentity identity() {
  TableIdentity result;
  result.volumeId.fill(7);
  result.chunkerId.fill(8);
  result.logName = "example-1";
  result.segment = 5;
  return result;
}

/// The input's bytes, zeros behind them; with the checksum at its place put right.
template <typename Block>
Block blockOf(std::span<const std::uint8_t> input, std::size_t checksumAt = 0) {
  Block block{};
  std::copy_n(input.begin(), std::min(input.size(), block.size()), block.begin());
  if (checksumAt > 0) storeLittle32(block.data() + checksumAt, crc32c(block.data(), checksumAt));
  return block;
}

void checkRecord(const Record& bytes) {
  TableRecord record;
  if (!decodeRecord(bytes.data(), kLengthMax, record)) return;
  REQUIRE(record.length > 0 && record.length <= kLengthMax);
  REQUIRE(std::uint64_t{record.offset} + record.length <= kSegmentDataBytesMax);
  Record again{};
  encodeRecord(record, again.data());
  REQUIRE(again == bytes);
}

void checkFooter(const Record& bytes) {
  TableFooter footer;
  if (!decodeFooter(bytes.data(), footer)) return;
  Record encoded{};
  encodeFooter(footer, encoded.data());
  TableFooter again;
  REQUIRE(decodeFooter(encoded.data(), again));
  REQUIRE(again.records == footer.records && again.dataBytes == footer.dataBytes &&
          again.merkleRoot == footer.merkleRoot);
}

void checkTableHeader(const Header& bytes) {
  if (checkHeader(identity(), bytes.data()) != HeaderCheck::valid) return;
  Header expected{};
  encodeHeader(identity(), expected.data());
  REQUIRE(std::memcmp(expected.data(), bytes.data(), kHeaderCrcAt) == 0);
}

void checkSyncMark(std::span<const std::uint8_t> input) {
  const auto mark = blockOf<std::array<std::uint8_t, kSyncMarkBytes>>(input);
  const std::uint32_t records = decodeSyncMark(mark.data());
  if (records == 0) return;
  std::array<std::uint8_t, kSyncMarkBytes> again{};
  encodeSyncMark(records, again.data());
  REQUIRE(again == mark);
}

template <typename Block>
Bytes bytesOf(const Block& block) {
  return Bytes(block.begin(), block.end());
}

}  // namespace

std::vector<Bytes> seeds() {
  Record record{}, footer{}, last{};
  Header header{};
  encodeRecord({100, 200, Hash256{1, 2, 3}, 300}, record.data());
  encodeRecord({kSegmentDataBytesMax - 10, 10, {}, 0}, last.data());
  encodeFooter({7, 8, Hash256{4, 5}}, footer.data());
  encodeHeader(identity(), header.data());
  Bytes mark(kSyncMarkBytes);
  encodeSyncMark(9, mark.data());
  return {bytesOf(record), bytesOf(last), bytesOf(footer), bytesOf(header), mark};
}

void fuzzOne(std::span<const std::uint8_t> input) {
  checkRecord(blockOf<Record>(input));
  checkRecord(blockOf<Record>(input, kRecordCrcAt));
  checkFooter(blockOf<Record>(input));
  checkFooter(blockOf<Record>(input, kRecordCrcAt));
  checkTableHeader(blockOf<Header>(input));
  checkTableHeader(blockOf<Header>(input, kHeaderCrcAt));
  checkSyncMark(input);
}

}  // namespace packetfs::fuzz
