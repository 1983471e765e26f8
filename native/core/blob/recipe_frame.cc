// See recipe_frame.h.
#include "recipe_frame.h"

#include <cstring>
#include <numeric>
#include <string>

#include "../base/little_endian.h"
#include "table_format.h"

namespace packetfs {
namespace {

constexpr std::uint8_t kMagic = 0x52;  // 'R'
constexpr std::uint8_t kVersion = 1;

Status malformed(const char* sentence) { return Status::failure(EBADMSG, std::string("recipe frame: ") + sentence); }

}  // namespace

std::uint64_t Recipe::rawBytes() const {
  return std::accumulate(chunks.begin(), chunks.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const RecipeChunk& chunk) { return sum + chunk.length; });
}

RecipeHash recipeHash(const Hash256& hash) {
  RecipeHash half{};
  std::memcpy(half.data(), hash.data(), half.size());
  return half;
}

std::vector<std::uint8_t> encodeRecipe(const Recipe& recipe) {
  std::vector<std::uint8_t> frame{kMagic, kVersion};
  appendVarint(frame, recipe.start);
  appendVarint(frame, recipe.chunks.size());
  for (const RecipeChunk& chunk : recipe.chunks) {
    appendVarint(frame, chunk.length);
    frame.insert(frame.end(), chunk.hash.begin(), chunk.hash.end());
  }
  return frame;
}

Result<Recipe> decodeRecipe(std::span<const std::uint8_t> frame, const LiteralLimits& limits) {
  if (frame.size() < 2 || frame[0] != kMagic) return malformed("not one");
  if (frame[1] != kVersion) return malformed("an unknown version");
  std::span<const std::uint8_t> rest = frame.subspan(2);
  Recipe recipe;
  std::uint64_t count = 0;
  if (!takeVarint(rest, recipe.start) || !takeVarint(rest, count)) return malformed("the header is cut off");
  if (recipe.start >= (1ULL << kPositionBits)) return malformed("a position beyond the log");
  // Each chunk takes a byte for its length at least, so nothing is allocated for chunks that are not there.
  if (count == 0 || count > limits.chunksMax || count * (1 + sizeof(RecipeHash)) > rest.size()) {
    return malformed("too many chunks, or none");
  }
  recipe.chunks.reserve(count);
  std::uint64_t rawBytes = 0;
  for (std::uint64_t i = 0; i < count; i++) {
    RecipeChunk chunk;
    std::uint64_t length = 0;
    if (!takeVarint(rest, length) || rest.size() < chunk.hash.size()) return malformed("a chunk is cut off");
    if (length == 0 || length > limits.chunkBytesMax) return malformed("a bad length");
    chunk.length = static_cast<std::uint32_t>(length);
    std::memcpy(chunk.hash.data(), rest.data(), chunk.hash.size());
    rest = rest.subspan(chunk.hash.size());
    rawBytes += length;
    recipe.chunks.push_back(chunk);
  }
  if (!rest.empty()) return malformed("bytes after its end");
  if (rawBytes > limits.rawBytesMax) return malformed("too many bytes");
  const std::uint64_t offset = recipe.start & (kSegmentBytes - 1);
  if (rawBytes > kSegmentDataBytesMax - std::min<std::uint64_t>(offset, kSegmentDataBytesMax)) {
    return malformed("it crosses the end of a segment");
  }
  return recipe;
}

}  // namespace packetfs
