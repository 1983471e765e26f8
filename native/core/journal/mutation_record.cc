// See mutation_record.h. Protocol Buffers' encoding: a tag (field number and wire type), then the value; defaults of
// fields that are not optional are left out.
#include "mutation_record.h"

#include "../base/little_endian.h"

namespace packetfs {
namespace {

using Bytes = std::vector<std::uint8_t>;

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, lengthDelimited = 2 };

// Fields of packetfs.Mutation.
constexpr unsigned kNow = 1;
constexpr unsigned kCreate = 2;
constexpr unsigned kAttributes = 7;
constexpr unsigned kContent = 8;

void appendTag(Bytes& target, unsigned field, WireType type) {
  appendVarint(target, (std::uint64_t{field} << 3U) | static_cast<unsigned>(type));
}

void appendOptionalVarint(Bytes& target, unsigned field, std::optional<std::uint64_t> value) {
  if (!value) return;
  appendTag(target, field, WireType::varint);
  appendVarint(target, *value);
}

void appendNumber(Bytes& target, unsigned field, std::uint64_t value) {
  if (value != 0) appendOptionalVarint(target, field, value);
}

void appendOptionalFixed(Bytes& target, unsigned field, std::optional<std::int64_t> value) {
  if (!value) return;
  appendTag(target, field, WireType::fixed64);
  target.resize(target.size() + sizeof(*value));
  storeLittle64(target.data() + target.size() - sizeof(*value), static_cast<std::uint64_t>(*value));
}

void appendFixed(Bytes& target, unsigned field, std::uint64_t value) {
  if (value != 0) appendOptionalFixed(target, field, static_cast<std::int64_t>(value));
}

/// A string of bytes, a message, or a packed field.
template <typename Source>
void appendDelimited(Bytes& target, unsigned field, const Source& bytes) {
  appendTag(target, field, WireType::lengthDelimited);
  appendVarint(target, bytes.size());
  target.insert(target.end(), bytes.begin(), bytes.end());
}

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U);
}

/// packetfs.ExtentColumns.
void appendExtents(Bytes& target, unsigned field, std::span<const Extent> extents) {
  Bytes gaps;
  Bytes lengths;
  Bytes deltas;
  std::uint64_t end = 0;
  BlobAddress addressEnd = 0;
  for (const Extent& extent : extents) {
    appendVarint(gaps, extent.fileOffset - end);
    appendVarint(lengths, extent.length);
    appendVarint(deltas, zigzag(static_cast<std::int64_t>(extent.address - addressEnd)));
    end = extent.fileOffset + extent.length;
    addressEnd = extent.address == kHole ? kHole : extent.address + extent.length;
  }
  Bytes columns;
  if (!extents.empty()) {
    appendDelimited(columns, 1, gaps);
    appendDelimited(columns, 2, lengths);
    appendDelimited(columns, 3, deltas);
  }
  appendDelimited(target, field, columns);
}

Bytes recordOf(std::int64_t nowNs, unsigned kind, const Bytes& change) {
  Bytes record;
  appendFixed(record, kNow, static_cast<std::uint64_t>(nowNs));
  appendDelimited(record, kind, change);
  return record;
}

}  // namespace

Bytes mutationRecord(std::int64_t nowNs, const CreatedInode& created) {
  Bytes change;
  appendFixed(change, 1, created.inode);
  appendFixed(change, 2, created.parent);
  if (!created.name.empty()) appendDelimited(change, 3, created.name);
  appendNumber(change, 4, created.mode);
  appendNumber(change, 5, created.uid);
  appendNumber(change, 6, created.gid);
  return recordOf(nowNs, kCreate, change);
}

Bytes mutationRecord(std::int64_t nowNs, const ChangedAttributes& changed) {
  Bytes change;
  appendFixed(change, 1, changed.inode);
  appendOptionalVarint(change, 2, changed.mode);
  appendOptionalVarint(change, 3, changed.uid);
  appendOptionalVarint(change, 4, changed.gid);
  appendOptionalFixed(change, 5, changed.accessedNs);
  appendOptionalFixed(change, 6, changed.modifiedNs);
  return recordOf(nowNs, kAttributes, change);
}

Bytes mutationRecord(std::int64_t nowNs, const ChangedContent& changed) {
  Bytes change;
  appendFixed(change, 1, changed.inode);
  appendNumber(change, 2, changed.size);
  appendOptionalFixed(change, 3, changed.modifiedNs);
  appendExtents(change, 4, changed.replaced);
  appendExtents(change, 5, changed.extents);
  return recordOf(nowNs, kContent, change);
}

}  // namespace packetfs
