// What a delta refers to (docs/format/wire.md, Literal): ranges of logs that sender and receiver hold, whose bytes,
// back to back, are the prefix of its zstd frame.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../base/address.h"
#include "../base/result.h"

namespace packetfs {

constexpr std::size_t kBaseBytesMax = 2U << 20;
constexpr std::size_t kBaseRangesMax = 1024;
constexpr std::size_t kBaseLogsMax = 8;

struct BaseRange {
  std::string log{};  // global name; empty: the log that the frame is of
  LogPosition start = 0;
  std::uint64_t length = 0;
};

struct LiteralBase {
  std::vector<BaseRange> ranges{};  // of one log together, sorted, disjoint
  std::vector<std::uint8_t> bytes{};
};

/// Fills `target` with the bytes of a range.
using ReadBase = std::function<Status(const BaseRange& range, std::uint8_t* target)>;

void appendBaseRanges(std::vector<std::uint8_t>& frame, std::span<const BaseRange> ranges);
/// Takes the ranges off the front of `rest` and reads them. EBADMSG when they break a bound, else what `read` says.
Result<LiteralBase> takeBase(std::span<const std::uint8_t>& rest, const ReadBase& read);

}  // namespace packetfs
