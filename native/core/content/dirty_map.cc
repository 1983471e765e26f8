// See dirty_map.h.
#include "dirty_map.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace packetfs {
namespace {
std::uint64_t endOf(const DirtyMap::Runs::value_type& run) { return run.first + run.second.size(); }
}  // namespace

void DirtyMap::write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t length) {
  const std::uint64_t end = offset + length;
  for (std::uint64_t position = offset; position < end;) {
    const std::uint8_t* source = bytes + (position - offset);
    auto next = runs_.upper_bound(position);
    auto before = next == runs_.begin() ? runs_.end() : std::prev(next);
    if (before != runs_.end() && endOf(*before) > position) {
      const std::uint64_t stop = std::min(end, endOf(*before));
      std::memcpy(before->second.data() + (position - before->first), source, stop - position);
      position = stop;
      continue;
    }
    const std::uint64_t stop = next == runs_.end() ? end : std::min(end, next->first);
    const std::uint8_t* sourceEnd = source + (stop - position);
    if (position == frozenEnd_) {
      before = runs_.emplace_hint(next, position, ByteRun::forStream());
      before->second.append({source, sourceEnd});
    } else if (before != runs_.end() && endOf(*before) == position) {
      before->second.append({source, sourceEnd});
    } else {
      before = runs_.emplace_hint(next, position, ByteRun({source, sourceEnd}));
    }
    if (next != runs_.end() && next->first == stop && next->second.size() <= before->second.size()) {
      // The gap is closed, as when requests arrive out of order. Only the smaller one is copied: a file written
      // backwards must not copy all of itself with each write.
      before->second.append(next->second.bytes());
      runs_.erase(next);
    }
    bytes_ += stop - position;
    position = stop;
  }
}

void DirtyMap::remove(std::uint64_t start, std::uint64_t end) {
  if (start >= end) return;
  auto run = runs_.upper_bound(start);
  if (run != runs_.begin()) --run;
  while (run != runs_.end() && run->first < end) {
    const std::uint64_t from = std::max(start, run->first);
    const std::uint64_t to = std::min(end, endOf(*run));
    if (from >= to) {
      ++run;
      continue;
    }
    bytes_ -= to - from;
    ByteRun& bytes = run->second;
    if (to < endOf(*run)) {
      if (from == run->first) {  // a prefix goes: the run keeps its memory under a new key
        bytes.dropFront(to - from);
        auto node = runs_.extract(run);
        node.key() = to;
        runs_.insert(std::move(node));
        return;
      }
      runs_.emplace(to, ByteRun(bytes.bytes().subspan(to - run->first)));
    }
    if (from == run->first) {
      run = runs_.erase(run);
    } else {
      bytes.keepFront(from - run->first);
      ++run;
    }
  }
}

void DirtyMap::clear() {
  runs_.clear();
  bytes_ = 0;
}

void DirtyMap::overlay(std::uint64_t start, std::uint8_t* target, std::size_t length) const {
  const std::uint64_t end = start + length;
  auto run = runs_.upper_bound(start);
  if (run != runs_.begin()) --run;
  for (; run != runs_.end() && run->first < end; ++run) {
    const std::uint64_t from = std::max(start, run->first);
    const std::uint64_t to = std::min(end, endOf(*run));
    if (from < to) std::memcpy(target + (from - start), run->second.data() + (from - run->first), to - from);
  }
}

bool DirtyMap::covers(std::uint64_t start, std::uint64_t length) const { return endAt(start) >= start + length; }

const std::uint8_t* DirtyMap::inOneRun(std::uint64_t start, std::uint64_t length) const {
  auto next = runs_.upper_bound(start);
  if (next == runs_.begin()) return nullptr;
  const auto& run = *std::prev(next);
  return endOf(run) >= start + length ? run.second.data() + (start - run.first) : nullptr;
}

std::optional<std::uint64_t> DirtyMap::next(std::uint64_t offset) const {
  if (endAt(offset) > offset) return offset;
  auto run = runs_.lower_bound(offset);
  if (run == runs_.end()) return std::nullopt;
  return run->first;
}

std::uint64_t DirtyMap::endAt(std::uint64_t offset) const {
  auto next = runs_.upper_bound(offset);
  if (next == runs_.begin()) return offset;
  std::uint64_t end = endOf(*std::prev(next));
  if (end <= offset) return offset;
  for (; next != runs_.end() && next->first == end; ++next) end = endOf(*next);
  return end;
}

std::optional<ByteRange> DirtyMap::runEndingAt(std::uint64_t end) const {
  auto next = runs_.lower_bound(end);
  if (next == runs_.begin()) return std::nullopt;
  const auto& run = *std::prev(next);
  if (endOf(run) != end) return std::nullopt;
  return ByteRange{run.first, end};
}

std::vector<ByteRange> DirtyMap::ranges() const {
  std::vector<ByteRange> list;
  for (const auto& run : runs_) {
    if (!list.empty() && list.back().end == run.first) {
      list.back().end = endOf(run);
    } else {
      list.push_back({run.first, endOf(run)});
    }
  }
  return list;
}

void DirtyMap::prepend(std::uint64_t start, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  auto node = runs_.extract(start);
  bytes_ += bytes.size();
  node.key() = start - bytes.size();
  node.mapped().prepend(bytes);
  runs_.insert(std::move(node));
}

}  // namespace packetfs
