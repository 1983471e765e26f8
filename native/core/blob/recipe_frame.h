// The bytes of a recipe frame (docs/format/wire.md, Recipe): pure encoding and checking, no files. A recipe names the
// chunks of a stretch of a log by their hashes, for a receiver that may have their bytes elsewhere.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/address.h"
#include "../base/result.h"
#include "literal_frame.h"

namespace packetfs {

/// The first half of a chunk's hash.
using RecipeHash = std::array<std::uint8_t, 16>;

struct RecipeChunk {
  std::uint32_t length = 0;
  RecipeHash hash{};
};

struct Recipe {
  LogPosition start = 0;
  std::vector<RecipeChunk> chunks{};

  [[nodiscard]] std::uint64_t rawBytes() const;
};

RecipeHash recipeHash(const Hash256& hash);
std::vector<std::uint8_t> encodeRecipe(const Recipe& recipe);
/// EBADMSG unless every field is within its limits.
Result<Recipe> decodeRecipe(std::span<const std::uint8_t> frame, const LiteralLimits& limits);

}  // namespace packetfs
