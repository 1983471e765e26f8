// Packing chunks into literal frames and storing those of peers, see blob.h; the frame itself is in literal_frame.h.
#include <algorithm>
#include <set>

#include "../base/little_endian.h"
#include "blob_core.h"
#include "literal_frame.h"

namespace packetfs {
namespace {

Blob::Literal literalOf(const LiteralContents& contents, std::vector<std::uint8_t> frame, bool isDelta) {
  return {std::move(frame),
          contents.start,
          contents.end(),
          contents.rawBytes(),
          static_cast<std::uint32_t>(contents.lengths.size()),
          isDelta};
}

}  // namespace

/// From the chunk that holds `start` on: at least one, else no more than `rawBytesMax`, up to `end` or a gap.
std::vector<TableRecord> BlobCore::chunksFrom(const Segment& segment, std::uint32_t start, std::uint64_t end,
                                              std::uint64_t rawBytesMax) {
  std::vector<TableRecord> records;
  TableRecord record;
  std::uint64_t rawBytes = 0;
  std::uint64_t next = start;
  while (next < end && records.size() < kLiteralChunksMax) {
    const auto offset = static_cast<std::uint32_t>(next);
    const bool held = records.empty() ? segment.chunkAt(offset, record) : segment.chunkStartingAt(offset, record);
    if (!held || (!records.empty() && rawBytes + record.length > rawBytesMax)) break;
    records.push_back(record);
    rawBytes += record.length;
    next = std::uint64_t{record.offset} + record.length;
  }
  return records;
}

Result<LiteralContents> BlobCore::literalContents(const Log& log, const Segment& segment,
                                                  std::span<const TableRecord> records) const {
  if (records.empty()) return Status::failure(ENOENT, "nothing is held at this position");
  LiteralContents contents;
  contents.start = makePosition(segment.number(), records.front().offset);
  std::vector<Hash256> hashes;
  std::uint64_t rawBytes = 0;
  for (const TableRecord& one : records) {
    contents.lengths.push_back(one.length);
    appendVarint(contents.body, one.length);
    hashes.push_back(one.hash);
    rawBytes += one.length;
  }
  contents.bytesAt = contents.body.size();
  contents.body.resize(contents.bytesAt + rawBytes);
  Status status = segment.readData(records.front().offset, contents.body.data() + contents.bytesAt, rawBytes);
  if (!status.ok()) return status;
  const std::uint8_t* bytes = contents.bytes();
  for (const TableRecord& one : records) {
    if (crc32c(bytes, one.length) != one.dataCrc) return Status::failure(EIO, "a chunk to send is damaged: scrub");
    bytes += one.length;
  }
  contents.check = literalCheck(options_.identityKey, log.name, contents.start, hashes);
  return contents;
}

Result<Blob::Literal> BlobCore::packLiteral(LogNumber log, LogPosition start, LogPosition end,
                                            std::uint64_t rawBytesMax, int level, std::span<const AddressRange> bases) {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  auto found = logOf(log);
  auto segment = segmentAt(makeAddress(log, start));
  if (!found || !segment) return Status::failure(ENOENT, "nothing is held at this position");
  const auto contentsUpTo = [&](std::uint64_t bytesMax) {
    const std::uint64_t endOffset = std::min<std::uint64_t>(end - makePosition(segment->number(), 0), kSegmentBytes);
    return literalContents(*found, *segment, chunksFrom(*segment, offsetOf(start), endOffset, bytesMax));
  };
  if (const auto used = withinBounds(bases); !used.empty()) {
    auto contents = contentsUpTo(std::min<std::uint64_t>(rawBytesMax, kDeltaRawBytesMax));
    if (!contents.ok()) return contents.status;
    const AddressRange piece{makeAddress(log, start), contents.value.end() - start};
    LogPosition whole = contents.value.end();
    if (replacements_.areIn(piece, used)) {
      auto delta = encodeDelta(contents.value, level, readBases(log, used));
      if (delta.ok() && delta.value) {
        replacements_.found(piece);
        sketchChunks(contents.value, log);
        return literalOf(contents.value, std::move(*delta.value), true);
      }
      // Where nothing but a guess was wrong, what was guessed behind it goes with it; else the next piece is tried.
      if (replacements_.inVain(piece) && whole < end) {
        whole = positionOf(replacements_.endOfGuesses({piece.end(), end - whole}));
      }
    }
    end = std::min(end, whole);
  }
  auto contents = contentsUpTo(std::min<std::uint64_t>(rawBytesMax, kLiteralRawBytesMax));
  if (!contents.ok()) return contents.status;
  auto frame = encodeLiteral(contents.value, level);
  if (!frame.ok()) return frame.status;
  sketchChunks(contents.value, log);
  return literalOf(contents.value, std::move(frame.value), false);
}

void BlobCore::sketchChunks(const LiteralContents& contents, LogNumber log) {
  const std::uint8_t* bytes = contents.bytes();
  BlobAddress address = makeAddress(log, contents.start);
  for (const std::uint32_t length : contents.lengths) {
    if (const auto sketch = sketchOf(bytes, length)) similarChunks_.add(*sketch, {address, length});
    bytes += length;
    address += length;
  }
}

/// As many as a frame may name; the last one may be shortened.
std::vector<AddressRange> BlobCore::withinBounds(std::span<const AddressRange> bases) {
  std::vector<AddressRange> used;
  std::set<LogNumber> logs;
  std::uint64_t left = kBaseBytesMax;
  for (const AddressRange& base : bases) {
    logs.insert(packetfs::logOf(base.start));
    if (left == 0 || used.size() == kBaseRangesMax || logs.size() > kBaseLogsMax) break;
    used.push_back({base.start, std::min(base.length, left)});
    left -= used.back().length;
  }
  return used;
}

/// What cannot be read is no base: a literal does not fail for what would only make it smaller.
LiteralBase BlobCore::readBases(LogNumber frameLog, std::span<const AddressRange> bases) {
  LiteralBase base;
  for (const AddressRange& range : bases) {
    const auto log = logOf(packetfs::logOf(range.start));
    const std::size_t before = base.bytes.size();
    base.bytes.resize(before + range.length);
    if (!log || !read(range.start, base.bytes.data() + before, range.length).ok()) {
      base.bytes.resize(before);
      continue;
    }
    base.ranges.push_back({log->number == frameLog ? "" : log->name, positionOf(range.start), range.length});
  }
  return base;
}

Status BlobCore::readBase(const Log& frameLog, const BaseRange& range, std::uint8_t* target) {
  auto number = std::optional(frameLog.number);
  if (!range.log.empty()) number = numberOf(range.log);
  if (!number) return Status::failure(ENOENT, "literal frame: a delta to a log that is not known");
  return read(makeAddress(*number, range.start), target, range.length);
}

void BlobCore::noteReplaced(const ExtentList& fresh, const ExtentList& old) {
  const std::uint32_t own = appendLog_.load();
  replacements_.noteFile(fresh, old, [own](BlobAddress address) { return packetfs::logOf(address) == own; });
}

Blob::ReplacedStretch BlobCore::replacedBy(LogNumber log, LogPosition start, LogPosition end) const {
  const BlobAddress from = makeAddress(log, start);
  const auto all = replacements_.at({from, end - start});
  ReplacedStretch stretch{positionOf(all.end), {}};
  if (all.old.empty()) return stretch;
  for (const AddressRange& old :
       replacements_.at({from, std::min<std::uint64_t>(end - start, kDeltaRawBytesMax)}).old) {
    const auto segment = segmentAt(old.start);
    if (!segment) continue;
    const BlobAddress segmentStart = old.start - offsetOf(old.start);
    for (const auto& [first, last] : segment->coverageWithin(offsetOf(old.start), old.length)) {
      stretch.old.push_back({segmentStart + first, std::uint64_t{last} - first});
    }
  }
  return stretch;
}

Result<Blob::Literal> BlobCore::storeLiteral(LogNumber log, const std::uint8_t* frame, std::size_t length,
                                             bool repair) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  auto found = logOf(log);
  if (!found) return Status::failure(ENOENT, "log " + std::to_string(log) + " is not open");
  const LiteralLimits limits{kLiteralRawBytesMax + kStoredChunkBytesMax, kLiteralChunksMax, options_.chunker.maximum};
  auto contents = decodeLiteral({frame, length}, limits, [&](const BaseRange& range, std::uint8_t* target) {
    return readBase(*found, range, target);
  });
  if (!contents.ok()) return contents.status;

  std::vector<ChunkBytes> chunks;
  std::vector<Hash256> hashes;
  const std::uint8_t* bytes = contents.value.bytes();
  auto offset = static_cast<std::uint32_t>(contents.value.start & (kSegmentBytes - 1));
  for (const std::uint32_t chunkBytes : contents.value.lengths) {
    const Hash256 hash = blake3Keyed(options_.identityKey, bytes, chunkBytes);
    chunks.push_back({bytes, offset, chunkBytes, hash, crc32c(bytes, chunkBytes)});
    hashes.push_back(hash);
    bytes += chunkBytes;
    offset += chunkBytes;
  }
  if (literalCheck(options_.identityKey, found->name, contents.value.start, hashes) != contents.value.check) {
    return Status::failure(EBADMSG, "literal frame: its check does not match its bytes and place");
  }

  {
    std::lock_guard lock(found->write);
    auto segment = segmentForWriting(*found, static_cast<std::uint32_t>(contents.value.start >> kOffsetBits));
    if (!segment.ok()) return segment.status;
    status = storeChunks(*segment.value, chunks, repair);
    if (!status.ok()) return status;
  }
  sketchChunks(contents.value, log);
  return literalOf(contents.value, {}, false);
}

/// Sorts the chunks into new, held and contradicting before anything is written.
Status BlobCore::storeChunks(Segment& segment, std::span<const ChunkBytes> chunks, bool repair) {
  std::vector<ChunkBytes> fresh;
  std::vector<ChunkBytes> held;
  for (const ChunkBytes& chunk : chunks) {
    TableRecord record;
    if (!segment.touches(chunk.offset, chunk.length)) {
      fresh.push_back(chunk);
    } else if (segment.chunkStartingAt(chunk.offset, record)) {
      if (record.length != chunk.length || record.hash != chunk.hash) {
        return Status::failure(EBADMSG, "literal frame: other chunks are held at its place");
      }
      held.push_back(chunk);
    } else if (!segment.isDamagedChunk(chunk.offset, chunk.length)) {
      return Status::failure(EBADMSG, "literal frame: its chunks lie across chunks that are held");
    } else {
      held.push_back(chunk);  // its record was damaged since opening
    }
  }
  if (!fresh.empty()) {
    if (!segment.canPlace(fresh.size())) return Status::failure(EBADMSG, "literal frame: the segment is complete");
    std::uint64_t bytes = 0;
    for (const ChunkBytes& chunk : fresh) bytes += chunk.length;
    Status status = segment.leaveReserve(bytes);
    if (!status.ok()) return status;
    status = segment.place(fresh);
    if (!status.ok()) return status;
    indexChunks(ordinalOf(segment), std::span<const ChunkBytes>(fresh));
  }
  if (!repair) return Status::success();
  for (const ChunkBytes& chunk : held) {
    Status status = segment.repair(chunk);
    if (!status.ok()) return status;
  }
  return Status::success();
}

}  // namespace packetfs
