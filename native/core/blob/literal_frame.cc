// See literal_frame.h.
#include "literal_frame.h"

#include <algorithm>
#include <cstring>

#include "../base/little_endian.h"
#include "../codec/compression.h"
#include "table_format.h"

namespace packetfs {
namespace {

constexpr std::uint8_t kMagic = 0x4c;  // 'L'
constexpr std::uint8_t kVersion = 1;
enum class Body : std::uint8_t { raw = 0, zstd = 1, delta = 2 };
constexpr std::size_t kLengthVarintBytesMax = 3;
constexpr std::size_t kSamples = 8;
constexpr std::size_t kSampleBytes = 16U << 10;
constexpr int kFastLevel = 1;

/// Of a large body samples are compressed: is it worth the whole?
bool gains(const std::vector<std::uint8_t>& body, int level) {
  if (body.size() <= kSamples * kSampleBytes) return true;
  std::vector<std::uint8_t> samples;
  for (std::size_t i = 0; i < kSamples; i++) {
    const auto* sample = body.data() + (body.size() - kSampleBytes) / (kSamples - 1) * i;
    samples.insert(samples.end(), sample, sample + kSampleBytes);
  }
  auto packed = compress(samples.data(), samples.size(), level);
  return packed.ok() && packed.value.size() * 20 <= samples.size() * 19;
}

Status malformed(const char* sentence) { return Status::failure(EBADMSG, std::string("literal frame: ") + sentence); }

std::vector<std::uint8_t> frameOf(const LiteralContents& contents, Body kind, std::span<const std::uint8_t> ranges,
                                  std::span<const std::uint8_t> body) {
  std::vector<std::uint8_t> frame{kMagic, kVersion, static_cast<std::uint8_t>(kind)};
  frame.reserve(ranges.size() + body.size() + 64);
  appendVarint(frame, contents.start);
  appendVarint(frame, contents.lengths.size());
  appendVarint(frame, contents.bytesAt);
  appendVarint(frame, contents.rawBytes());
  frame.insert(frame.end(), contents.check.begin(), contents.check.end());
  frame.insert(frame.end(), ranges.begin(), ranges.end());
  frame.insert(frame.end(), body.begin(), body.end());
  return frame;
}

/// Lengths and chunks, however they are packed.
Result<std::vector<std::uint8_t>> unpackBody(Body kind, std::span<const std::uint8_t> rest, std::size_t bodyBytes,
                                             const ReadBase& readBase) {
  if (kind == Body::raw) {
    if (rest.size() != bodyBytes) return malformed("the body has another length");
    return std::vector<std::uint8_t>(rest.begin(), rest.end());
  }
  LiteralBase base;
  if (kind == Body::delta) {
    auto taken = takeBase(rest, readBase);
    if (!taken.ok()) return taken.status;
    base = std::move(taken.value);
  }
  auto unpacked = decompress(rest.data(), rest.size(), bodyBytes, base.bytes.data(), base.bytes.size());
  if (!unpacked.ok()) return malformed("the body does not unpack");
  return unpacked;
}

}  // namespace

LiteralCheck literalCheck(const ChunkKey& identityKey, const std::string& logName, LogPosition start,
                          std::span<const Hash256> hashes) {
  std::vector<std::uint8_t> material(logName.begin(), logName.end());
  material.push_back(0);
  material.resize(material.size() + sizeof(start));
  storeLittle64(material.data() + material.size() - sizeof(start), start);
  for (const Hash256& hash : hashes) material.insert(material.end(), hash.begin(), hash.end());
  const Hash256 digest = blake3Keyed(identityKey, material.data(), material.size());
  LiteralCheck check{};
  std::memcpy(check.data(), digest.data(), check.size());
  return check;
}

Result<std::vector<std::uint8_t>> encodeLiteral(const LiteralContents& contents, int level) {
  if (level > 0 && gains(contents.body, level)) {
    auto packed = compress(contents.body.data(), contents.body.size(), level);
    if (!packed.ok()) return packed.status;
    if (packed.value.size() < contents.body.size()) return frameOf(contents, Body::zstd, {}, packed.value);
  }
  return frameOf(contents, Body::raw, {}, contents.body);
}

Result<std::optional<std::vector<std::uint8_t>>> encodeDelta(const LiteralContents& contents, int level,
                                                             const LiteralBase& base) {
  std::optional<std::vector<std::uint8_t>> frame;
  if (base.ranges.empty()) return frame;
  const std::vector<std::uint8_t>& body = contents.body;
  auto delta = compress(body.data(), body.size(), level, base.bytes.data(), base.bytes.size());
  if (!delta.ok()) return delta.status;
  auto alone = compress(body.data(), body.size(), kFastLevel);
  if (!alone.ok()) return alone.status;
  std::vector<std::uint8_t> ranges;
  appendBaseRanges(ranges, base.ranges);
  const std::size_t without = std::min(alone.value.size(), body.size());
  if ((ranges.size() + delta.value.size()) * 4 <= without * 3) {
    frame = frameOf(contents, Body::delta, ranges, delta.value);
  }
  return frame;
}

Result<LiteralContents> decodeLiteral(std::span<const std::uint8_t> frame, const LiteralLimits& limits,
                                      const ReadBase& readBase) {
  if (frame.size() < 3 || frame[0] != kMagic) return malformed("not one");
  if (frame[1] != kVersion) return malformed("an unknown version");
  if (frame[2] > static_cast<std::uint8_t>(Body::delta)) return malformed("an unknown kind of body");
  const auto kind = static_cast<Body>(frame[2]);
  std::span<const std::uint8_t> rest = frame.subspan(3);
  LiteralContents contents;
  std::uint64_t count = 0;
  std::uint64_t lengthsBytes = 0;
  std::uint64_t rawBytes = 0;
  if (!takeVarint(rest, contents.start) || !takeVarint(rest, count) || !takeVarint(rest, lengthsBytes) ||
      !takeVarint(rest, rawBytes) || rest.size() < contents.check.size()) {
    return malformed("the header is cut off");
  }
  if (contents.start >= (1ULL << kPositionBits)) return malformed("a position beyond the log");
  if (count == 0 || count > limits.chunksMax) return malformed("too many chunks, or none");
  if (rawBytes < count || rawBytes > limits.rawBytesMax) return malformed("too many bytes, or too few");
  if (lengthsBytes < count || lengthsBytes > count * kLengthVarintBytesMax) return malformed("odd length of lengths");
  const std::uint64_t offset = contents.start & (kSegmentBytes - 1);
  if (rawBytes > kSegmentDataBytesMax - std::min<std::uint64_t>(offset, kSegmentDataBytesMax)) {
    return malformed("it crosses the end of a segment");
  }
  std::memcpy(contents.check.data(), rest.data(), contents.check.size());
  rest = rest.subspan(contents.check.size());

  auto body = unpackBody(kind, rest, lengthsBytes + rawBytes, readBase);
  if (!body.ok()) return body.status;
  contents.body = std::move(body.value);
  contents.bytesAt = lengthsBytes;
  std::span<const std::uint8_t> varints(contents.body.data(), lengthsBytes);
  contents.lengths.reserve(count);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < count; i++) {
    std::uint64_t length = 0;
    if (!takeVarint(varints, length) || length == 0 || length > limits.chunkBytesMax) return malformed("a bad length");
    contents.lengths.push_back(static_cast<std::uint32_t>(length));
    sum += length;
  }
  if (!varints.empty() || sum != rawBytes) return malformed("lengths that do not add up");
  return contents;
}

}  // namespace packetfs
