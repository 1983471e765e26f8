// See replacements.h.
#include "replacements.h"

#include <algorithm>

namespace packetfs {
namespace {

constexpr std::uint64_t kSlackLeast = 1U << 10;
constexpr std::uint64_t kSlackMost = 64U << 10;
/// Old content between two stored chunks is taken for what was replaced up to this many times the new.
constexpr std::uint64_t kShrinkMost = 4;
constexpr std::uint32_t kInVainMax = 4;

bool inOneSegment(BlobAddress left, BlobAddress right) { return left >> kOffsetBits == right >> kOffsetBits; }

/// Bytes move within a replaced stretch, so what is around the place in proportion is taken as well.
AddressRange widened(const AddressRange& old, std::uint64_t slack) {
  const BlobAddress segment = old.start & ~(kSegmentBytes - 1);
  const BlobAddress start = old.start - std::min(slack, old.start - segment);
  return {start, std::min(old.end() + slack, segment + kSegmentBytes) - start};
}

std::uint64_t inProportion(std::uint64_t offset, std::uint64_t of, std::uint64_t to) {
  return static_cast<std::uint64_t>(static_cast<double>(offset) / static_cast<double>(of) * static_cast<double>(to));
}

void addCoalesced(std::vector<AddressRange>& ranges, AddressRange range) {
  if (ranges.empty() || range.start > ranges.back().end() || !inOneSegment(ranges.back().start, range.start)) {
    ranges.push_back(range);
  } else {
    ranges.back().length = std::max(ranges.back().end(), range.end()) - ranges.back().start;
  }
}

std::uint64_t overlapOf(AddressRange range, std::span<const AddressRange> bases) {
  std::uint64_t bytes = 0;
  for (const AddressRange& base : bases) {
    const BlobAddress from = std::max(range.start, base.start);
    const BlobAddress to = std::min(range.end(), base.end());
    if (from < to) bytes += to - from;
  }
  return bytes;
}

std::uint64_t sizeOf(const ExtentList& extents) {
  return extents.empty() ? 0 : extents.back().fileOffset + extents.back().length;
}

}  // namespace

bool Replacements::Entry::isGivenUp() const { return inVain > (anchor == Anchor::kNone ? 0 : kInVainMax); }

/// What the part of an entry that lies in `fresh` replaced, in proportion.
AddressRange Replacements::oldOf(const Map::value_type& entry, AddressRange fresh) {
  const auto& [start, known] = entry;
  const std::uint64_t first = inProportion(fresh.start - start, known.length, known.old.length);
  const std::uint64_t last = inProportion(fresh.end() - start, known.length, known.old.length);
  return {known.old.start + first, last - first};
}

/// The start of the entry that holds an address, or of the first behind it.
BlobAddress Replacements::startAtOrAfter(BlobAddress address) const {
  const auto after = byStart_.upper_bound(address);
  if (after != byStart_.begin()) {
    const auto& [start, entry] = *std::prev(after);
    if (start + entry.length > address) return start;
  }
  return after == byStart_.end() ? kHole : after->first;
}

void Replacements::visitKnown(AddressRange fresh,
                              const std::function<bool(const Map::value_type& entry, AddressRange part)>& visit) const {
  for (auto entry = byStart_.lower_bound(startAtOrAfter(fresh.start));
       entry != byStart_.end() && entry->first < fresh.end(); ++entry) {
    const BlobAddress from = std::max(entry->first, fresh.start);
    const BlobAddress to = std::min(entry->first + entry->second.length, fresh.end());
    if (!entry->second.isGivenUp() && !visit(*entry, {from, to - from})) return;
  }
}

void Replacements::change(AddressRange fresh, const std::function<void(Entry&)>& change) {
  for (auto entry = byStart_.lower_bound(startAtOrAfter(fresh.start));
       entry != byStart_.end() && entry->first < fresh.end(); ++entry) {
    change(entry->second);
  }
}

void Replacements::put(AddressRange fresh, Entry entry) {
  const auto first = byStart_.lower_bound(startAtOrAfter(fresh.start));
  byStart_.erase(first, byStart_.lower_bound(fresh.end()));
  entry.length = fresh.length;
  byStart_[fresh.start] = entry;
  if (byStart_.size() > kCountMax) byStart_.erase(byStart_.begin());
}

void Replacements::note(AddressRange fresh, AddressRange old, Anchor anchor) {
  const std::lock_guard lock(mutex_);
  const auto known = byStart_.find(fresh.start);
  const bool isMoreOfIt =
      known != byStart_.end() && known->second.old.start == old.start && known->second.anchor == anchor;
  put(fresh, {.old = old, .anchor = anchor, .inVain = isMoreOfIt ? known->second.inVain : 0});
}

void Replacements::noteFile(const ExtentList& fresh, const ExtentList& old,
                            const std::function<bool(BlobAddress)>& isNew) {
  const std::uint64_t size = sizeOf(fresh);
  const std::uint64_t oldSize = sizeOf(old);
  if (size == 0 || oldSize == 0) return;
  auto like = old.begin();
  const std::lock_guard lock(mutex_);
  for (const Extent& extent : fresh) {
    if (extent.address == kHole || !isNew(extent.address)) continue;
    bool isKnown = false;
    visitKnown({extent.address, extent.length}, [&](const Map::value_type& entry, AddressRange) {
      isKnown = isKnown || entry.second.anchor == Anchor::kBothSides;
      return !isKnown;
    });
    if (isKnown) continue;
    // Part by part, as the old content lies.
    const std::uint64_t end = extent.fileOffset + extent.length;
    for (std::uint64_t position = extent.fileOffset; position < end;) {
      const std::uint64_t offset = inProportion(position, size, oldSize);
      like = std::find_if(like, old.end(), [&](const Extent& one) { return offset < one.fileOffset + one.length; });
      if (like == old.end()) break;
      const std::uint64_t likeEnd = like->fileOffset + like->length;
      const std::uint64_t next = std::clamp(inProportion(likeEnd, oldSize, size), position + 1, end);
      const std::uint64_t skipped = offset - std::min(offset, like->fileOffset);
      const AddressRange source{like->address + skipped, std::min(likeEnd - offset, next - position)};
      const BlobAddress address = extent.address + (position - extent.fileOffset);
      if (like->address != kHole && source.start != address && source.length > 0) {
        put({address, next - position}, {.old = source, .anchor = Anchor::kNone});
      }
      position = next;
    }
  }
}

Replacements::Stretch Replacements::at(AddressRange fresh) const {
  std::vector<AddressRange> found;
  BlobAddress end = fresh.start;
  BlobAddress unknownEnd = fresh.end();
  {
    const std::lock_guard lock(mutex_);
    visitKnown(fresh, [&](const Map::value_type& entry, AddressRange part) {
      if (part.start > end) {
        unknownEnd = part.start;
        return false;
      }
      const std::uint64_t slack = std::min(kSlackLeast + part.length / 2, kSlackMost);
      found.push_back(widened(oldOf(entry, part), slack));
      end = part.end();
      return true;
    });
  }
  if (found.empty()) return {unknownEnd, {}};
  std::ranges::sort(found, {}, &AddressRange::start);
  Stretch stretch{end, {}};
  for (const AddressRange& range : found) addCoalesced(stretch.old, range);
  return stretch;
}

bool Replacements::areIn(AddressRange fresh, std::span<const AddressRange> bases) const {
  std::uint64_t bytes = 0;
  std::uint64_t there = 0;
  const std::lock_guard lock(mutex_);
  visitKnown(fresh, [&](const Map::value_type& entry, AddressRange part) {
    const AddressRange old = oldOf(entry, part);
    bytes += old.length;
    there += overlapOf(old, bases);
    return true;
  });
  return there * 4 >= bytes * 3;
}

void Replacements::found(AddressRange fresh) {
  const std::lock_guard lock(mutex_);
  change(fresh, [](Entry& entry) {
    if (!entry.isGivenUp()) entry.inVain = 0;
  });
}

bool Replacements::inVain(AddressRange fresh) {
  bool hadNoAnchor = false;
  const std::lock_guard lock(mutex_);
  change(fresh, [&](Entry& entry) {
    hadNoAnchor = hadNoAnchor || entry.anchor == Anchor::kNone;
    entry.inVain++;
  });
  return hadNoAnchor;
}

BlobAddress ReplacementTracker::old() const { return old_ == kHole ? kHole : old_ + fresh_.length; }

void ReplacementTracker::matched(AddressRange chunk, Replacements& replacements) {
  if (fresh_.length > 0) {
    const bool isKnown = old_ != kHole && !isGuess_;
    const bool isBetween = isKnown && inOneSegment(old_, chunk.start) && old_ <= chunk.start &&
                           chunk.start - old_ <= fresh_.length * kShrinkMost;
    const std::uint64_t before = std::min<std::uint64_t>(fresh_.length, offsetOf(chunk.start));
    if (isBetween) {
      replacements.note(fresh_, {old_, chunk.start - old_}, Anchor::kBothSides);
    } else if (isKnown) {
      pause(replacements);
    } else {
      replacements.note(fresh_, {chunk.start - before, before}, Anchor::kOneSide);
    }
  }
  old_ = chunk.end();
  isGuess_ = false;
  fresh_ = {kHole, 0};
}

void ReplacementTracker::appended(AddressRange chunk, Replacements& replacements) {
  if (fresh_.length > 0 && fresh_.end() == chunk.start) {
    fresh_.length += chunk.length;
    return;
  }
  pause(replacements);
  old_ = old();
  fresh_ = chunk;
}

void ReplacementTracker::pause(Replacements& replacements) const {
  if (fresh_.length == 0 || old_ == kHole) return;
  replacements.note(fresh_, {old_, fresh_.length}, isGuess_ ? Anchor::kNone : Anchor::kOneSide);
}

}  // namespace packetfs
