// Recipes: naming chunks for a peer that may have their bytes elsewhere, and storing by a peer's names what is here,
// see blob.h; the frame itself is in recipe_frame.h.
#include <algorithm>

#include "blob_core.h"

namespace packetfs {

Result<Blob::Literal> BlobCore::packRecipe(LogNumber log, LogPosition start, LogPosition end,
                                           std::uint64_t rawBytesMax) {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  auto segment = segmentAt(makeAddress(log, start));
  if (!segment) return Status::failure(ENOENT, "nothing is held at this position");
  const std::uint64_t endOffset = std::min<std::uint64_t>(end - makePosition(segment->number(), 0), kSegmentBytes);
  const auto records =
      chunksFrom(*segment, offsetOf(start), endOffset, std::min<std::uint64_t>(rawBytesMax, kLiteralRawBytesMax));
  if (records.empty()) return Status::failure(ENOENT, "nothing is held at this position");
  Recipe recipe{.start = makePosition(segment->number(), records.front().offset)};
  for (const TableRecord& record : records) recipe.chunks.push_back({record.length, recipeHash(record.hash)});
  const std::uint64_t rawBytes = recipe.rawBytes();
  return Literal{.frame = encodeRecipe(recipe),
                 .start = recipe.start,
                 .end = recipe.start + rawBytes,
                 .rawBytes = rawBytes,
                 .chunks = static_cast<std::uint32_t>(records.size())};
}

Result<Blob::FilledRecipe> BlobCore::storeRecipe(LogNumber log, const std::uint8_t* frame, std::size_t length) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  auto found = logOf(log);
  if (!found) return Status::failure(ENOENT, "log " + std::to_string(log) + " is not open");
  const LiteralLimits limits{kLiteralRawBytesMax + kStoredChunkBytesMax, kLiteralChunksMax, options_.chunker.maximum};
  auto decoded = decodeRecipe({frame, length}, limits);
  if (!decoded.ok()) return decoded.status;
  const Recipe& recipe = decoded.value;
  const auto number = static_cast<std::uint32_t>(recipe.start >> kOffsetBits);
  const auto existing = segmentOf(*found, number);

  FilledRecipe filled{.start = recipe.start, .end = recipe.start + recipe.rawBytes()};
  std::vector<std::uint8_t> bytes(recipe.rawBytes());
  std::vector<ChunkBytes> chunks;
  LogPosition position = recipe.start;
  for (const RecipeChunk& chunk : recipe.chunks) {
    const LogPosition start = position;
    position += chunk.length;
    const auto offset = static_cast<std::uint32_t>(start & (kSegmentBytes - 1));
    if (existing && existing->covers(offset, chunk.length)) continue;
    std::uint8_t* target = bytes.data() + (start - recipe.start);
    if (const auto hash = fillChunk(chunk, target)) {
      chunks.push_back({target, offset, chunk.length, *hash, crc32c(target, chunk.length)});
      filled.filledBytes += chunk.length;
    } else if (!filled.missing.empty() && filled.missing.back().end == start) {
      filled.missing.back().end = position;
    } else {
      filled.missing.push_back({start, position});
    }
  }
  if (chunks.empty()) return filled;

  std::lock_guard lock(found->write);
  auto segment = segmentForWriting(*found, number);
  if (!segment.ok()) return segment.status;
  status = storeChunks(*segment.value, chunks, false);
  if (!status.ok()) return status;
  return filled;
}

std::optional<Hash256> BlobCore::fillChunk(const RecipeChunk& chunk, std::uint8_t* target) const {
  const auto held = findChunkLike(chunk.hash);
  if (held && held->record.length == chunk.length &&
      held->segment->readData(held->record.offset, target, chunk.length).ok() &&
      blake3Keyed(options_.identityKey, target, chunk.length) == held->record.hash) {
    return held->record.hash;
  }
  return seeds_.read(chunk.hash, chunk.length, target);
}

}  // namespace packetfs
