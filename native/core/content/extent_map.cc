// See extent_map.h.
#include "extent_map.h"

#include <algorithm>
#include <iterator>

namespace packetfs {
namespace {

std::uint64_t endOf(const Extent& extent) { return extent.fileOffset + extent.length; }

Extent cut(const Extent& extent, std::uint64_t start, std::uint64_t end) {
  return {start, end - start, extent.address == kHole ? kHole : extent.address + (start - extent.fileOffset)};
}

void appendCoalesced(ExtentList& list, const Extent& extent) {
  if (extent.length == 0 || extent.address == kHole) return;
  if (!list.empty() && endOf(list.back()) == extent.fileOffset &&
      list.back().address + list.back().length == extent.address) {
    list.back().length += extent.length;
  } else {
    list.push_back(extent);
  }
}

std::uint64_t sum(ExtentList::const_iterator from, ExtentList::const_iterator to) {
  std::uint64_t bytes = 0;
  for (; from != to; ++from) bytes += from->length;
  return bytes;
}

/// Parts of [from, to) that lie outside the ranges.
ExtentList subtract(ExtentList::const_iterator from, ExtentList::const_iterator to,
                    const std::vector<ByteRange>& ranges) {
  ExtentList left;
  auto range = ranges.begin();
  for (; from != to; ++from) {
    std::uint64_t position = from->fileOffset;
    const std::uint64_t end = endOf(*from);
    while (range != ranges.end() && range->end <= position) ++range;
    for (auto hit = range; position < end; ++hit) {
      const std::uint64_t stop = hit == ranges.end() ? end : std::min(end, hit->start);
      if (stop > position) left.push_back(cut(*from, position, stop));
      if (hit == ranges.end() || hit->start >= end) break;
      position = std::max(position, hit->end);
    }
  }
  return left;
}

}  // namespace

void ExtentMap::assign(const ExtentList& extents, std::uint64_t size) {
  extents_.clear();
  for (const Extent& extent : extents) {
    if (extent.fileOffset >= size) break;
    appendCoalesced(extents_, cut(extent, extent.fileOffset, std::min(endOf(extent), size)));
  }
  bytes_ = sum(extents_.begin(), extents_.end());
}

void ExtentMap::truncate(std::uint64_t size) {
  while (!extents_.empty() && extents_.back().fileOffset >= size) {
    bytes_ -= extents_.back().length;
    extents_.pop_back();
  }
  if (!extents_.empty() && endOf(extents_.back()) > size) {
    const std::uint64_t kept = size - extents_.back().fileOffset;
    bytes_ -= extents_.back().length - kept;
    extents_.back().length = kept;
  }
}

std::size_t ExtentMap::indexOfFirstEndingAfter(std::uint64_t offset) const {
  auto found = std::upper_bound(extents_.begin(), extents_.end(), offset,
                                [](std::uint64_t wanted, const Extent& extent) { return wanted < endOf(extent); });
  return static_cast<std::size_t>(found - extents_.begin());
}

const Extent* ExtentMap::firstEndingAfter(std::uint64_t offset) const {
  const std::size_t index = indexOfFirstEndingAfter(offset);
  return index == extents_.size() ? nullptr : &extents_[index];
}

const Extent* ExtentMap::at(std::uint64_t offset) const {
  const Extent* extent = firstEndingAfter(offset);
  return extent != nullptr && extent->fileOffset <= offset ? extent : nullptr;
}

void ExtentMap::replace(const std::vector<ByteRange>& ranges, const ExtentList& fresh) {
  if (ranges.empty()) return;
  auto first = extents_.begin() + static_cast<std::ptrdiff_t>(indexOfFirstEndingAfter(ranges.front().start));
  auto last = std::lower_bound(first, extents_.end(), ranges.back().end,
                               [](const Extent& extent, std::uint64_t end) { return extent.fileOffset < end; });
  if (first != extents_.begin()) --first;  // neighbours may coalesce
  if (last != extents_.end()) ++last;
  const ExtentList left = subtract(first, last, ranges);
  ExtentList merged;
  merged.reserve(left.size() + fresh.size());
  std::merge(left.begin(), left.end(), fresh.begin(), fresh.end(), std::back_inserter(merged),
             [](const Extent& a, const Extent& b) { return a.fileOffset < b.fileOffset; });
  ExtentList middle;
  for (const Extent& extent : merged) appendCoalesced(middle, extent);
  bytes_ = bytes_ - sum(first, last) + sum(middle.begin(), middle.end());
  const std::ptrdiff_t replaced = std::min(last - first, static_cast<std::ptrdiff_t>(middle.size()));
  std::copy(middle.begin(), middle.begin() + replaced, first);
  if (replaced < last - first) {
    extents_.erase(first + replaced, last);
  } else {
    extents_.insert(last, middle.begin() + replaced, middle.end());
  }
}

ExtentList ExtentMap::slice(std::uint64_t start, std::uint64_t end) const {
  ExtentList list;
  std::uint64_t position = start;
  for (std::size_t i = indexOfFirstEndingAfter(start); i < extents_.size() && extents_[i].fileOffset < end; i++) {
    const Extent& extent = extents_[i];
    const std::uint64_t from = std::max(position, extent.fileOffset);
    if (from > position) list.push_back({position, from - position, kHole});
    position = std::min(end, endOf(extent));
    list.push_back(cut(extent, from, position));
  }
  if (position < end) list.push_back({position, end - position, kHole});
  return list;
}

}  // namespace packetfs
