// The bytes of a chunk table: header, records, footer (docs/format/blob.md). Pure encoding and checking, no files.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "../base/address.h"
#include "../chunk/chunker.h"
#include "../chunk/hash.h"

namespace packetfs {

constexpr std::size_t kTableHeaderBytes = 256;
constexpr std::size_t kTableRecordBytes = 64;
constexpr std::size_t kSyncMarkOffset = 192;
constexpr std::size_t kSyncMarkBytes = 8;
constexpr std::uint32_t kSegmentRecordsMax = 1U << 20;
constexpr std::uint32_t kSegmentDataBytesMax = static_cast<std::uint32_t>(kSegmentBytes) - 1;
constexpr std::uint32_t kStoredChunkBytesMax = 65536;  // whatever the chunker
constexpr std::uint32_t kSegmentCountMax = 1U << 20;
constexpr std::size_t kLogNameBytesMax = 127;

constexpr std::uint64_t slotOffset(std::uint32_t slot) {
  return kTableHeaderBytes + std::uint64_t{slot} * kTableRecordBytes;
}

struct TableIdentity {  // what a table must belong to
  std::array<std::uint8_t, 16> volumeId{};
  std::array<std::uint8_t, 8> chunkerId{};
  std::string logName{};
  std::uint32_t segment = 0;
};

struct TableRecord {
  std::uint32_t offset = 0;  // logical
  std::uint32_t length = 0;
  Hash256 hash{};
  std::uint32_t dataCrc = 0;
};

struct TableFooter {
  std::uint32_t records = 0;
  std::uint32_t dataBytes = 0;
  Hash256 merkleRoot{};
};

enum class HeaderCheck { valid, damaged, foreign };

std::array<std::uint8_t, 8> chunkerId(const ChunkKey& identityKey, const ChunkerParameters& chunker);
bool isLogName(const std::string& name);

/// Writes kTableHeaderBytes, with no synced records.
void encodeHeader(const TableIdentity& identity, std::uint8_t* target);
HeaderCheck checkHeader(const TableIdentity& identity, const std::uint8_t* header);
void encodeSyncMark(std::uint32_t syncedRecords, std::uint8_t* target);
/// 0 when damaged or absent.
std::uint32_t decodeSyncMark(const std::uint8_t* mark);

void encodeRecord(const TableRecord& record, std::uint8_t* target);
/// False when the CRC or a bound fails; `lengthMax` is the chunker's maximum.
bool decodeRecord(const std::uint8_t* bytes, std::uint32_t lengthMax, TableRecord& record);

void encodeFooter(const TableFooter& footer, std::uint8_t* target);
bool decodeFooter(const std::uint8_t* bytes, TableFooter& footer);
/// `hashes` in order of logical offset.
Hash256 merkleRoot(const ChunkKey& identityKey, std::vector<Hash256> hashes);

}  // namespace packetfs
