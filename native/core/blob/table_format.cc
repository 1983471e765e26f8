// See table_format.h.
#include "table_format.h"

#include <cstring>

#include "../base/little_endian.h"

namespace packetfs {
namespace {

constexpr char kHeaderMagic[] = "PFSTABLE";
constexpr char kFooterMagic[] = "PFSSEAL1";
constexpr char kSyncMagic[] = "PFSSYNC1";
constexpr std::size_t kMagicBytes = 8;
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderCrcOffset = 172;
constexpr std::size_t kLogNameOffset = 40;
constexpr std::size_t kRecordCrcOffset = 60;

std::uint32_t syncMarkCrc(const std::uint8_t* mark) {
  const std::uint32_t seed = crc32c(reinterpret_cast<const std::uint8_t*>(kSyncMagic), kMagicBytes);
  return crc32c(mark, 4, seed);
}

}  // namespace

std::array<std::uint8_t, 8> chunkerId(const ChunkKey& identityKey, const ChunkerParameters& chunker) {
  constexpr char kName[] = "mincdc-h4";
  constexpr std::size_t kNameBytes = sizeof(kName) - 1;
  std::uint8_t material[kNameBytes + 16];
  std::memcpy(material, kName, kNameBytes);
  storeLittle32(material + kNameBytes, chunker.minimum);
  storeLittle32(material + kNameBytes + 4, chunker.maximum);
  storeLittle32(material + kNameBytes + 8, chunker.multiplier);
  storeLittle32(material + kNameBytes + 12, chunker.addend);
  const Hash256 hash = blake3Keyed(identityKey, material, sizeof(material));
  std::array<std::uint8_t, 8> id{};
  std::memcpy(id.data(), hash.data(), id.size());
  return id;
}

bool isLogName(const std::string& name) {
  if (name.empty() || name.size() > kLogNameBytesMax || name.front() == '.') return false;
  for (const char letter : name) {
    const bool allowed = (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
                         (letter >= 'a' && letter <= 'z') || letter == '_' || letter == '-' || letter == '.';
    if (!allowed) return false;
  }
  return true;
}

void encodeHeader(const TableIdentity& identity, std::uint8_t* target) {
  std::memset(target, 0, kTableHeaderBytes);
  std::memcpy(target, kHeaderMagic, kMagicBytes);
  storeLittle32(target + 8, kVersion);
  storeLittle32(target + 12, identity.segment);
  std::memcpy(target + 16, identity.volumeId.data(), identity.volumeId.size());
  std::memcpy(target + 32, identity.chunkerId.data(), identity.chunkerId.size());
  std::memcpy(target + kLogNameOffset, identity.logName.data(), identity.logName.size());
  storeLittle32(target + kHeaderCrcOffset, crc32c(target, kHeaderCrcOffset));
  encodeSyncMark(0, target + kSyncMarkOffset);
}

HeaderCheck checkHeader(const TableIdentity& identity, const std::uint8_t* header) {
  if (std::memcmp(header, kHeaderMagic, kMagicBytes) != 0) return HeaderCheck::damaged;
  if (loadLittle32(header + kHeaderCrcOffset) != crc32c(header, kHeaderCrcOffset)) return HeaderCheck::damaged;
  std::uint8_t expected[kTableHeaderBytes];
  encodeHeader(identity, expected);
  return std::memcmp(header, expected, kHeaderCrcOffset) == 0 ? HeaderCheck::valid : HeaderCheck::foreign;
}

void encodeSyncMark(std::uint32_t syncedRecords, std::uint8_t* target) {
  storeLittle32(target, syncedRecords);
  storeLittle32(target + 4, syncMarkCrc(target));
}

std::uint32_t decodeSyncMark(const std::uint8_t* mark) {
  return loadLittle32(mark + 4) == syncMarkCrc(mark) ? loadLittle32(mark) : 0;
}

void encodeRecord(const TableRecord& record, std::uint8_t* target) {
  storeLittle32(target, record.offset);
  storeLittle32(target + 4, record.offset);  // physical
  storeLittle32(target + 8, record.length);
  storeLittle32(target + 12, 1);  // repeat
  storeLittle32(target + 16, 0);  // flags
  storeLittle32(target + 20, 0);
  std::memcpy(target + 24, record.hash.data(), record.hash.size());
  storeLittle32(target + 56, record.dataCrc);
  storeLittle32(target + kRecordCrcOffset, crc32c(target, kRecordCrcOffset));
}

bool decodeRecord(const std::uint8_t* bytes, std::uint32_t lengthMax, TableRecord& record) {
  if (loadLittle32(bytes + kRecordCrcOffset) != crc32c(bytes, kRecordCrcOffset)) return false;
  record.offset = loadLittle32(bytes);
  record.length = loadLittle32(bytes + 8);
  std::memcpy(record.hash.data(), bytes + 24, record.hash.size());
  record.dataCrc = loadLittle32(bytes + 56);
  const bool plain = loadLittle32(bytes + 4) == record.offset && loadLittle32(bytes + 12) == 1 &&
                     loadLittle32(bytes + 16) == 0 && loadLittle32(bytes + 20) == 0;
  return plain && record.length > 0 && record.length <= lengthMax && record.offset <= kSegmentDataBytesMax &&
         record.length <= kSegmentDataBytesMax - record.offset;
}

void encodeFooter(const TableFooter& footer, std::uint8_t* target) {
  std::memset(target, 0, kTableRecordBytes);
  std::memcpy(target, kFooterMagic, kMagicBytes);
  storeLittle32(target + 8, footer.records);
  storeLittle32(target + 12, footer.dataBytes);
  std::memcpy(target + 16, footer.merkleRoot.data(), footer.merkleRoot.size());
  storeLittle32(target + kRecordCrcOffset, crc32c(target, kRecordCrcOffset));
}

bool decodeFooter(const std::uint8_t* bytes, TableFooter& footer) {
  if (std::memcmp(bytes, kFooterMagic, kMagicBytes) != 0) return false;
  if (loadLittle32(bytes + kRecordCrcOffset) != crc32c(bytes, kRecordCrcOffset)) return false;
  footer.records = loadLittle32(bytes + 8);
  footer.dataBytes = loadLittle32(bytes + 12);
  std::memcpy(footer.merkleRoot.data(), bytes + 16, footer.merkleRoot.size());
  return true;
}

Hash256 merkleRoot(const ChunkKey& identityKey, std::vector<Hash256> hashes) {
  if (hashes.empty()) return Hash256{};
  std::size_t count = hashes.size();
  while (count > 1) {
    std::size_t parents = 0;
    for (std::size_t i = 0; i + 1 < count; i += 2) {
      std::uint8_t children[64];
      std::memcpy(children, hashes[i].data(), 32);
      std::memcpy(children + 32, hashes[i + 1].data(), 32);
      hashes[parents++] = blake3Keyed(identityKey, children, sizeof(children));
    }
    if (count % 2 == 1) hashes[parents++] = hashes[count - 1];
    count = parents;
  }
  return hashes[0];
}

}  // namespace packetfs
