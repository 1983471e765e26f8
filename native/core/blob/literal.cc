// Packing chunks into literal frames and storing those of peers, see blob.h; the frame itself is in literal_frame.h.
#include <algorithm>

#include "../base/little_endian.h"
#include "blob_core.h"
#include "literal_frame.h"

namespace packetfs {

Result<Blob::Literal> BlobCore::packLiteral(LogNumber log, LogPosition start, LogPosition end,
                                            std::uint64_t rawBytesMax, int level) {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  auto found = logOf(log);
  auto segment = segmentAt(makeAddress(log, start));
  if (!found || !segment) return Status::failure(ENOENT, "nothing is held at this position");
  const std::uint64_t bytesMax = std::min<std::uint64_t>(rawBytesMax, kLiteralRawBytesMax);
  const LogPosition segmentStart = makePosition(segment->number(), 0);
  const std::uint64_t endOffset = std::min<std::uint64_t>(end - segmentStart, kSegmentBytes);

  std::vector<TableRecord> records;
  TableRecord record;
  std::uint64_t rawBytes = 0;
  std::uint64_t next = start - segmentStart;
  while (next < endOffset && records.size() < kLiteralChunksMax) {
    const auto offset = static_cast<std::uint32_t>(next);
    const bool held = records.empty() ? segment->chunkAt(offset, record) : segment->chunkStartingAt(offset, record);
    if (!held || (!records.empty() && rawBytes + record.length > bytesMax)) break;
    records.push_back(record);
    rawBytes += record.length;
    next = std::uint64_t{record.offset} + record.length;
  }
  if (records.empty()) return Status::failure(ENOENT, "nothing is held at this position");

  LiteralContents contents;
  contents.start = segmentStart + records.front().offset;
  std::vector<Hash256> hashes;
  for (const TableRecord& one : records) {
    contents.lengths.push_back(one.length);
    appendVarint(contents.body, one.length);
    hashes.push_back(one.hash);
  }
  contents.bytesAt = contents.body.size();
  contents.body.resize(contents.bytesAt + rawBytes);
  Status status = segment->readData(records.front().offset, contents.body.data() + contents.bytesAt, rawBytes);
  if (!status.ok()) return status;
  const std::uint8_t* bytes = contents.bytes();
  for (const TableRecord& one : records) {
    if (crc32c(bytes, one.length) != one.dataCrc) return Status::failure(EIO, "a chunk to send is damaged: scrub");
    bytes += one.length;
  }
  contents.check = literalCheck(options_.identityKey, found->name, contents.start, hashes);
  auto frame = encodeLiteral(contents, level);
  if (!frame.ok()) return frame.status;
  return Literal{std::move(frame.value), contents.start, contents.start + rawBytes, rawBytes,
                 static_cast<std::uint32_t>(records.size())};
}

Result<Blob::Literal> BlobCore::storeLiteral(LogNumber log, const std::uint8_t* frame, std::size_t length,
                                             bool repair) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  auto found = logOf(log);
  if (!found) return Status::failure(ENOENT, "log " + std::to_string(log) + " is not open");
  const LiteralLimits limits{kLiteralRawBytesMax + kStoredChunkBytesMax, kLiteralChunksMax, options_.chunker.maximum};
  auto contents = decodeLiteral({frame, length}, limits);
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

  std::lock_guard lock(found->write);
  auto segment = segmentForWriting(*found, static_cast<std::uint32_t>(contents.value.start >> kOffsetBits));
  if (!segment.ok()) return segment.status;
  status = storeChunks(*segment.value, chunks, repair);
  if (!status.ok()) return status;
  return Literal{{},
                 contents.value.start,
                 contents.value.start + contents.value.rawBytes(),
                 contents.value.rawBytes(),
                 static_cast<std::uint32_t>(chunks.size())};
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
    indexChunks(ordinalOf(segment), fresh);
  }
  if (!repair) return Status::success();
  for (const ChunkBytes& chunk : held) {
    Status status = segment.repair(chunk);
    if (!status.ok()) return status;
  }
  return Status::success();
}

}  // namespace packetfs
