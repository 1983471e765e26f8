// Literal frames from a peer: what decodes is within every limit and is the same when it is encoded again; what was
// encoded comes back.
#include "../../native/core/blob/literal_frame.h"

#include <algorithm>
#include <numeric>

#include "fuzz_target.h"

namespace packetfs::fuzz {
namespace {

constexpr LiteralLimits kLimits{.rawBytesMax = 64U << 10, .chunksMax = 64, .chunkBytesMax = 8192};

const std::string kOtherLog = "another-1";

/// Logs of endless pattern; one of them is not known.
Status readBase(const BaseRange& range, std::uint8_t* target) {
  if (!range.log.empty() && range.log != kOtherLog) return Status::failure(ENOENT, "an unknown log");
  REQUIRE(range.length > 0 && range.length <= kBaseBytesMax);
  REQUIRE(range.start + range.length < 1ULL << kPositionBits);
  for (std::uint64_t i = 0; i < range.length; i++) target[i] = static_cast<std::uint8_t>((range.start + i) % 251);
  return Status::success();
}

/// The base that a frame may be a delta to.
LiteralBase baseOf(std::vector<BaseRange> ranges) {
  LiteralBase base{.ranges = std::move(ranges)};
  for (const BaseRange& range : base.ranges) {
    const std::size_t before = base.bytes.size();
    base.bytes.resize(before + range.length);
    REQUIRE(readBase(range, base.bytes.data() + before).ok());
  }
  return base;
}

LiteralContents contentsOf(LogPosition start, const std::vector<std::uint32_t>& lengths, const Bytes& chunks) {
  LiteralContents contents;
  contents.start = start;
  contents.lengths = lengths;
  for (const std::uint32_t length : lengths) appendVarint(contents.body, length);
  contents.bytesAt = contents.body.size();
  contents.body.insert(contents.body.end(), chunks.begin(), chunks.end());
  for (std::size_t i = 0; i < contents.check.size(); i++) contents.check[i] = static_cast<std::uint8_t>(i);
  return contents;
}

bool areEqual(const LiteralContents& left, const LiteralContents& right) {
  return left.start == right.start && left.lengths == right.lengths && left.body == right.body &&
         left.bytesAt == right.bytesAt && left.check == right.check;
}

bool isWithinLimits(const LiteralContents& contents) {
  const auto isChunkLength = [](auto length) { return length > 0 && length <= kLimits.chunkBytesMax; };
  return contents.start < 1ULL << kPositionBits && !contents.lengths.empty() &&
         contents.lengths.size() <= kLimits.chunksMax && contents.rawBytes() <= kLimits.rawBytesMax &&
         (contents.start & (kSegmentBytes - 1)) + contents.rawBytes() < kSegmentBytes &&
         std::ranges::all_of(contents.lengths, isChunkLength) &&
         std::accumulate(contents.lengths.begin(), contents.lengths.end(), std::size_t{0}) == contents.rawBytes();
}

void checkReturns(const LiteralContents& contents, int level) {
  const auto frame = encodeLiteral(contents, level);
  REQUIRE(frame.ok());
  const auto again = decodeLiteral(frame.value, kLimits, readBase);
  REQUIRE(again.ok() && areEqual(again.value, contents));
}

/// The input as the parameters and bytes of a literal, which comes back unless it breaks a limit.
void checkEncoding(std::span<const std::uint8_t> input) {
  Parameters parameters(input);
  const LogPosition start = parameters.take(4) % (2 * kSegmentBytes);
  const auto level = static_cast<int>(parameters.take(1) % 4);
  const std::size_t count = parameters.take(1) % (2 * kLimits.chunksMax);
  std::vector<std::uint32_t> lengths;
  for (std::size_t i = 0; i < count; i++) lengths.push_back(parameters.take(2) % (2 * kLimits.chunkBytesMax));
  Bytes chunks(std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}));
  std::copy_n(parameters.rest().begin(), std::min(chunks.size(), parameters.rest().size()), chunks.begin());
  const LiteralContents contents = contentsOf(start, lengths, chunks);
  if (isWithinLimits(contents)) return checkReturns(contents, level);
  REQUIRE(!decodeLiteral(encodeLiteral(contents, level).value, kLimits, readBase).ok());
}

}  // namespace

std::vector<Bytes> seeds() {
  std::vector<Bytes> frames;
  for (const int level : {0, 3}) {
    frames.push_back(encodeLiteral(contentsOf(0, {5}, pattern(5)), level).value);
    frames.push_back(encodeLiteral(contentsOf(kSegmentBytes + 4096, {8192, 1, 700}, pattern(8893)), level).value);
    frames.push_back(encodeLiteral(contentsOf(kSegmentBytes - 101, {100}, pattern(100)), level).value);
  }
  Bytes chunk(6000);
  REQUIRE(readBase({.start = 700, .length = chunk.size()}, chunk.data()).ok());
  const LiteralContents like = contentsOf(9000, {6000}, chunk);
  for (const auto& base : {baseOf({{"", 0, 8000}}), baseOf({{"", 10, 90}, {"", 500, 7000}, {kOtherLog, 7, 100}})}) {
    frames.push_back(encodeDelta(like, 3, base).value.value());
    REQUIRE(areEqual(decodeLiteral(frames.back(), kLimits, readBase).value, like));
  }
  return frames;
}

void fuzzOne(std::span<const std::uint8_t> input) {
  const auto decoded = decodeLiteral(input, kLimits, readBase);
  if (decoded.ok()) {
    REQUIRE(isWithinLimits(decoded.value));
    checkReturns(decoded.value, 0);
  }
  checkEncoding(input);
}

}  // namespace packetfs::fuzz
