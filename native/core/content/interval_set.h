// A set of byte ranges [start, end), merged where they touch.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace packetfs {

struct ByteRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

class IntervalSet {
 public:
  void add(std::uint64_t start, std::uint64_t end) {
    if (start >= end) return;
    auto next = ranges_.upper_bound(start);
    if (next != ranges_.begin() && std::prev(next)->second >= start) {
      next = std::prev(next);
      start = next->first;
    }
    while (next != ranges_.end() && next->first <= end) {
      end = std::max(end, next->second);
      next = ranges_.erase(next);
    }
    ranges_.emplace_hint(next, start, end);
  }

  /// The ranges below `limit`, in order.
  [[nodiscard]] std::vector<ByteRange> below(std::uint64_t limit) const {
    std::vector<ByteRange> list;
    for (const auto& [start, end] : ranges_) {
      if (start < limit) list.push_back({start, std::min(end, limit)});
    }
    return list;
  }

  /// What of the range is in the set, in order.
  [[nodiscard]] std::vector<ByteRange> within(ByteRange range) const {
    std::vector<ByteRange> list;
    auto next = ranges_.upper_bound(range.start);
    if (next != ranges_.begin()) --next;
    for (; next != ranges_.end() && next->first < range.end; ++next) {
      const ByteRange common{std::max(next->first, range.start), std::min(next->second, range.end)};
      if (common.start < common.end) list.push_back(common);
    }
    return list;
  }

  void clear() { ranges_.clear(); }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_{};
};

}  // namespace packetfs
