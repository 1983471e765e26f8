// The bytes of a literal frame (docs/format/wire.md, Literal): pure encoding and checking, no files.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../base/address.h"
#include "../base/result.h"
#include "../chunk/hash.h"
#include "literal_base.h"

namespace packetfs {

using LiteralCheck = std::array<std::uint8_t, 16>;

struct LiteralLimits {
  std::size_t rawBytesMax = 0;
  std::size_t chunksMax = 0;
  std::uint32_t chunkBytesMax = 0;
};

struct LiteralContents {
  LogPosition start = 0;
  std::vector<std::uint32_t> lengths{};
  std::vector<std::uint8_t> body{};  // lengths as varints, then the chunks' bytes
  std::size_t bytesAt = 0;           // where in body the chunks begin
  LiteralCheck check{};

  [[nodiscard]] const std::uint8_t* bytes() const { return body.data() + bytesAt; }
  [[nodiscard]] std::size_t rawBytes() const { return body.size() - bytesAt; }
  [[nodiscard]] LogPosition end() const { return start + rawBytes(); }
};

/// Binds the chunks' hashes to their place: log name and position.
LiteralCheck literalCheck(const ChunkKey& identityKey, const std::string& logName, LogPosition start,
                          std::span<const Hash256> hashes);

/// `contents.body` and `bytesAt` must be set as described; `level` is zstd's. Raw when compression gains under 5 %.
Result<std::vector<std::uint8_t>> encodeLiteral(const LiteralContents& contents, int level);

/// The same as a delta to the base; nothing when that is empty or saves less than a quarter.
Result<std::optional<std::vector<std::uint8_t>>> encodeDelta(const LiteralContents& contents, int level,
                                                             const LiteralBase& base);

/// EBADMSG unless every field is within its limits and the lengths add up; of a delta, else what `readBase` says. The
/// check is for the caller to compare.
Result<LiteralContents> decodeLiteral(std::span<const std::uint8_t> frame, const LiteralLimits& limits,
                                      const ReadBase& readBase);

}  // namespace packetfs
