// Recipes: naming chunks for a peer that may have their bytes elsewhere, and storing by a peer's names what is here,
// see blob.h; the frame itself is in recipe_frame.h.
#include <algorithm>

#include "blob_core.h"

namespace packetfs {
namespace {

/// A shorter run of found chunks beside a missing one costs more as a gap in the log than its bytes on the wire.
constexpr std::uint64_t kFoundBytesLeast = 8U << 10;

struct Named {  // a chunk of a recipe
  LogPosition start = 0;
  std::uint32_t length = 0;
  bool isHeld = false;
  std::optional<Hash256> hash{};  // of bytes that were found

  [[nodiscard]] bool isMissing() const { return !isHeld && !hash; }
};

/// Short runs of found chunks that a missing one precedes or follows count as missing, too.
void leaveOutCrumbs(std::vector<Named>& chunks) {
  std::vector<bool> isCrumb(chunks.size(), false);
  for (std::size_t first = 0; first < chunks.size();) {
    if (!chunks[first].hash) {
      first++;
      continue;
    }
    std::size_t end = first;
    std::uint64_t bytes = 0;
    for (; end < chunks.size() && chunks[end].hash; end++) bytes += chunks[end].length;
    const bool isBeside =
        (first > 0 && chunks[first - 1].isMissing()) || (end < chunks.size() && chunks[end].isMissing());
    if (isBeside && bytes < kFoundBytesLeast)
      std::fill(isCrumb.begin() + static_cast<std::ptrdiff_t>(first),
                isCrumb.begin() + static_cast<std::ptrdiff_t>(end), true);
    first = end;
  }
  for (std::size_t i = 0; i < chunks.size(); i++) {
    if (isCrumb[i]) chunks[i].hash.reset();
  }
}

}  // namespace

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

  std::vector<std::uint8_t> bytes(recipe.rawBytes());
  std::vector<Named> named;
  LogPosition position = recipe.start;
  for (const RecipeChunk& chunk : recipe.chunks) {
    named.push_back({position, chunk.length});
    position += chunk.length;
    const auto offset = static_cast<std::uint32_t>(named.back().start & (kSegmentBytes - 1));
    named.back().isHeld = existing && existing->covers(offset, chunk.length);
    if (!named.back().isHeld) named.back().hash = fillChunk(chunk, bytes.data() + (named.back().start - recipe.start));
  }
  leaveOutCrumbs(named);

  FilledRecipe filled{.start = recipe.start, .end = position};
  std::vector<ChunkBytes> chunks;
  for (const Named& chunk : named) {
    if (chunk.isHeld) continue;
    if (chunk.hash) {
      const std::uint8_t* found = bytes.data() + (chunk.start - recipe.start);
      const auto offset = static_cast<std::uint32_t>(chunk.start & (kSegmentBytes - 1));
      chunks.push_back({found, offset, chunk.length, *chunk.hash, crc32c(found, chunk.length)});
      filled.filledBytes += chunk.length;
    } else if (!filled.missing.empty() && filled.missing.back().end == chunk.start) {
      filled.missing.back().end += chunk.length;
    } else {
      filled.missing.push_back({chunk.start, chunk.start + chunk.length});
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
