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
constexpr std::uint64_t kExactMost = 2 * kSlackMost;

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

bool Replacements::Entry::isGivenUp() const {
  return inVain > (anchor == Anchor::kNone || isLikeness() ? 0 : kInVainMax);
}

bool Replacements::Entry::isExact() const {
  return anchor == Anchor::kBothSides && std::max(length, old.length) <= kExactMost;
}

bool Replacements::isBetterThanGuess(const Entry& entry) {
  return (entry.isExact() || entry.isLikeness()) && !entry.isGivenUp();
}

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
  const auto last = byStart_.lower_bound(fresh.end());
  std::vector<std::pair<BlobAddress, Entry>> left;  // of what is known on either side
  const auto keep = [&](const Map::value_type& known, AddressRange part) {
    Entry rest = known.second;
    rest.length = part.length;
    rest.old = oldOf(known, part);
    left.emplace_back(part.start, rest);
  };
  for (auto known = first; known != last; ++known) {
    const BlobAddress end = known->first + known->second.length;
    if (known->first < fresh.start) keep(*known, {known->first, fresh.start - known->first});
    if (end > fresh.end()) keep(*known, {fresh.end(), end - fresh.end()});
  }
  byStart_.erase(first, last);
  byStart_.insert(left.begin(), left.end());
  entry.length = fresh.length;
  byStart_[fresh.start] = entry;
  while (byStart_.size() > kCountMax) byStart_.erase(byStart_.begin());
}

void Replacements::putAround(AddressRange fresh, Entry entry, bool (*isKept)(const Entry& known)) {
  entry.length = fresh.length;
  const Map::value_type whole{fresh.start, entry};
  BlobAddress from = fresh.start;
  const auto putUpTo = [&](BlobAddress to) {
    if (from >= to) return;
    Entry part = entry;
    part.old = oldOf(whole, {from, to - from});
    put({from, to - from}, part);
  };
  std::vector<AddressRange> known;
  for (auto at = byStart_.lower_bound(startAtOrAfter(fresh.start)); at != byStart_.end() && at->first < fresh.end();
       ++at) {
    if (isKept(at->second)) known.push_back({at->first, at->second.length});
  }
  for (const AddressRange& range : known) {
    putUpTo(range.start);
    from = std::max(from, range.end());
  }
  putUpTo(fresh.end());
}

void Replacements::note(AddressRange fresh, AddressRange old, Anchor anchor) {
  const std::lock_guard lock(mutex_);
  const auto known = byStart_.find(fresh.start);
  const bool isMoreOfIt =
      known != byStart_.end() && known->second.old.start == old.start && known->second.anchor == anchor;
  const Entry entry{
      .length = fresh.length, .old = old, .anchor = anchor, .inVain = isMoreOfIt ? known->second.inVain : 0};
  if (entry.isExact()) {
    put(fresh, entry);
  } else if (entry.isLikeness()) {
    putAround(fresh, entry, [](const Entry& one) { return one.isExact() && !one.isGivenUp(); });
  } else {
    putAround(fresh, entry, isBetterThanGuess);
  }
}

void Replacements::noteMore(AddressRange fresh, AddressRange old, Anchor anchor) {
  {
    const std::lock_guard lock(mutex_);
    const auto after = byStart_.lower_bound(fresh.start);
    if (after != byStart_.begin() && (after == byStart_.end() || after->first >= fresh.end())) {
      auto& [start, entry] = *std::prev(after);
      const bool goesOn = start + entry.length == fresh.start && entry.old.end() == old.start;
      if (goesOn && entry.anchor == anchor) {
        entry.length += fresh.length;
        entry.old.length += old.length;
        return;
      }
    }
  }
  note(fresh, old, anchor);
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
        const AddressRange part{address, next - position};
        const Entry entry{.old = source, .anchor = Anchor::kNone};
        // Of a small file all that had the name is in the base, and nothing is likelier to be like it.
        if (size <= kSlackMost) {
          put(part, entry);
        } else {
          putAround(part, entry, isBetterThanGuess);
        }
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

BlobAddress Replacements::endOfGuesses(AddressRange fresh) const {
  BlobAddress end = fresh.end();
  const std::lock_guard lock(mutex_);
  visitKnown(fresh, [&](const Map::value_type& entry, AddressRange part) {
    if (entry.second.anchor == Anchor::kNone) return true;
    end = part.start;
    return false;
  });
  return end;
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
  std::vector<std::pair<AddressRange, Entry>> likenesses;
  visitKnown(fresh, [&](const Map::value_type& entry, AddressRange part) {
    if (!entry.second.isLikeness()) return true;
    Entry one = entry.second;
    one.old = oldOf(entry, part);
    one.inVain++;
    likenesses.emplace_back(part, one);
    return true;
  });
  change(fresh, [&](Entry& entry) {
    hadNoAnchor = hadNoAnchor || entry.anchor == Anchor::kNone;
    if (!entry.isLikeness()) entry.inVain++;
  });
  for (const auto& [part, one] : likenesses) put(part, one);
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
  noted_ = 0;
}

void ReplacementTracker::appended(AddressRange chunk, Replacements& replacements) {
  if (fresh_.length > 0 && fresh_.end() == chunk.start) {
    fresh_.length += chunk.length;
    return;
  }
  pause(replacements);
  old_ = old();
  fresh_ = chunk;
  noted_ = 0;
}

void ReplacementTracker::pause(Replacements& replacements) {
  if (fresh_.length == noted_ || old_ == kHole) return;
  const std::uint64_t more = fresh_.length - noted_;
  const Anchor anchor = isGuess_ ? Anchor::kNone : Anchor::kOneSide;
  replacements.noteMore({fresh_.start + noted_, more}, {old_ + noted_, more}, anchor);
  noted_ = fresh_.length;
}

}  // namespace packetfs
