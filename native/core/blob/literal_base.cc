// See literal_base.h.
#include "literal_base.h"

#include <algorithm>

#include "../base/little_endian.h"
#include "table_format.h"

namespace packetfs {
namespace {

Status malformed(const char* sentence) { return Status::failure(EBADMSG, std::string("delta: ") + sentence); }

bool takeName(std::span<const std::uint8_t>& rest, std::string& name) {
  std::uint64_t length = 0;
  if (!takeVarint(rest, length) || length > std::min<std::uint64_t>(kLogNameBytesMax, rest.size())) return false;
  name.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
  rest = rest.subspan(length);
  return name.empty() || isLogName(name);
}

/// The ranges of one log: count, then pairs of the gap since the previous end and the length.
Status takeRanges(std::span<const std::uint8_t>& rest, const std::string& log, LiteralBase& base,
                  std::uint64_t& bytes) {
  std::uint64_t count = 0;
  if (!takeVarint(rest, count)) return malformed("its base is cut off");
  if (count == 0 || count > kBaseRangesMax - base.ranges.size()) return malformed("too many ranges, or none");
  LogPosition end = 0;
  for (std::uint64_t i = 0; i < count; i++) {
    std::uint64_t gap = 0;
    BaseRange range{.log = log};
    if (!takeVarint(rest, gap) || !takeVarint(rest, range.length)) return malformed("its base is cut off");
    if (range.length == 0 || range.length > kBaseBytesMax - bytes) return malformed("too long a base");
    if (gap >= (1ULL << kPositionBits) - end) return malformed("a position beyond the log");
    range.start = end + gap;
    if (offsetOf(range.start) + range.length > kSegmentDataBytesMax) return malformed("a base across segments");
    end = range.start + range.length;
    bytes += range.length;
    base.ranges.push_back(std::move(range));
  }
  return Status::success();
}

}  // namespace

void appendBaseRanges(std::vector<std::uint8_t>& frame, std::span<const BaseRange> ranges) {
  const auto endOfLog = [&](std::size_t from) {
    std::size_t next = from;
    while (next < ranges.size() && ranges[next].log == ranges[from].log) next++;
    return next;
  };
  std::uint64_t logs = 0;
  for (std::size_t i = 0; i < ranges.size(); i = endOfLog(i)) logs++;
  appendVarint(frame, logs);
  for (std::size_t i = 0; i < ranges.size();) {
    const std::size_t next = endOfLog(i);
    appendVarint(frame, ranges[i].log.size());
    frame.insert(frame.end(), ranges[i].log.begin(), ranges[i].log.end());
    appendVarint(frame, next - i);
    LogPosition end = 0;
    for (; i < next; i++) {
      appendVarint(frame, ranges[i].start - end);
      appendVarint(frame, ranges[i].length);
      end = ranges[i].start + ranges[i].length;
    }
  }
}

Result<LiteralBase> takeBase(std::span<const std::uint8_t>& rest, const ReadBase& read) {
  std::uint64_t logs = 0;
  if (!takeVarint(rest, logs)) return malformed("its base is cut off");
  if (logs == 0 || logs > kBaseLogsMax) return malformed("too many logs, or none");
  LiteralBase base;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < logs; i++) {
    std::string name;
    if (!takeName(rest, name)) return malformed("not the name of a log");
    Status status = takeRanges(rest, name, base, bytes);
    if (!status.ok()) return status;
  }
  base.bytes.resize(bytes);
  std::uint8_t* target = base.bytes.data();
  for (const BaseRange& range : base.ranges) {
    Status status = read(range, target);
    if (!status.ok()) return status;
    target += range.length;
  }
  return base;
}

}  // namespace packetfs
