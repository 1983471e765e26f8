// Recipe frames from a peer: what decodes is within every limit and is the same when it is encoded again.
#include "../../native/core/blob/recipe_frame.h"

#include <algorithm>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr LiteralLimits kLimits{.rawBytesMax = 64U << 10, .chunksMax = 64, .chunkBytesMax = 8192};

Bytes frameOf(LogPosition start, std::initializer_list<std::uint32_t> lengths) {
  Recipe recipe{.start = start};
  for (const std::uint32_t length : lengths) {
    RecipeChunk chunk{.length = length};
    chunk.hash.fill(static_cast<std::uint8_t>(length));
    recipe.chunks.push_back(chunk);
  }
  return encodeRecipe(recipe);
}

}  // namespace

std::vector<Bytes> seeds() {
  return {frameOf(0, {5}), frameOf(kSegmentBytes + 4096, {8192, 1, 700}), frameOf(kSegmentBytes - 101, {100})};
}

void fuzzOne(std::span<const std::uint8_t> input) {
  const auto decoded = decodeRecipe(input, kLimits);
  if (!decoded.ok()) return;
  const Recipe& recipe = decoded.value;
  REQUIRE(!recipe.chunks.empty() && recipe.chunks.size() <= kLimits.chunksMax);
  REQUIRE(recipe.rawBytes() <= kLimits.rawBytesMax);
  REQUIRE(std::ranges::all_of(recipe.chunks, [](const RecipeChunk& chunk) {
    return chunk.length > 0 && chunk.length <= kLimits.chunkBytesMax;
  }));
  REQUIRE((recipe.start & (kSegmentBytes - 1)) + recipe.rawBytes() < kSegmentBytes);
  const Bytes again = encodeRecipe(recipe);
  REQUIRE(std::ranges::equal(again, input));
}

}  // namespace packetfs::fuzz
