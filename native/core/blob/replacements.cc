// See replacements.h.
#include "replacements.h"

#include <algorithm>

namespace packetfs {
namespace {

constexpr std::uint64_t kSlackLeast = 8U << 10;
constexpr std::uint64_t kSlackMost = 64U << 10;
/// Old content between two stored chunks is taken for what was replaced up to this many times the new.
constexpr std::uint64_t kShrinkMost = 4;
/// As often in a row may a delta to what was noted gain nothing before that is given up; a guess is at once.
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
  if (ranges.empty() || range.start > ranges.back().end()) {
    ranges.push_back(range);
  } else {
    ranges.back().length = std::max(ranges.back().end(), range.end()) - ranges.back().start;
  }
}

}  // namespace

void Replacements::note(AddressRange fresh, AddressRange old, bool isGuess) {
  const std::lock_guard lock(mutex_);
  byStart_[fresh.start] = {fresh.length, old, isGuess, 0};
  if (byStart_.size() > kCountMax) byStart_.erase(byStart_.begin());
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

void Replacements::eraseIf(AddressRange fresh, const std::function<bool(Entry&)>& isGone) {
  auto next = byStart_.lower_bound(startAtOrAfter(fresh.start));
  while (next != byStart_.end() && next->first < fresh.end()) {
    next = isGone(next->second) ? byStart_.erase(next) : std::next(next);
  }
}

Replacements::Stretch Replacements::at(AddressRange fresh) const {
  std::vector<AddressRange> found;
  BlobAddress end = fresh.start;
  {
    const std::lock_guard lock(mutex_);
    auto entry = byStart_.lower_bound(startAtOrAfter(fresh.start));
    if (entry == byStart_.end() || entry->first >= fresh.end()) return {fresh.end(), {}};
    if (entry->first > fresh.start) return {entry->first, {}};
    for (; entry != byStart_.end() && entry->first <= end && end < fresh.end(); ++entry) {
      const BlobAddress next = std::min(fresh.end(), entry->first + entry->second.length);
      const std::uint64_t slack = std::min(kSlackLeast + (next - end) / 4, kSlackMost);
      found.push_back(widened(oldOf(*entry, {end, next - end}), slack));
      end = next;
    }
  }
  std::ranges::sort(found, {}, &AddressRange::start);
  Stretch stretch{end, {}};
  for (const AddressRange& range : found) addCoalesced(stretch.old, range);
  return stretch;
}

void Replacements::noteFile(const ExtentList& fresh, const ExtentList& old) {
  if (fresh.empty() || old.empty()) return;
  const std::uint64_t freshSize = fresh.back().fileOffset + fresh.back().length;
  const std::uint64_t oldSize = old.back().fileOffset + old.back().length;
  auto like = old.begin();
  const std::lock_guard lock(mutex_);
  for (const Extent& extent : fresh) {
    const std::uint64_t offset = inProportion(extent.fileOffset, freshSize, oldSize);
    like = std::find_if(like, old.end(), [&](const Extent& one) {
      return one.address != kHole && offset < one.fileOffset + one.length;
    });
    if (extent.address == kHole || like == old.end() || like->address == extent.address) continue;
    const std::uint64_t skipped = offset - std::min(offset, like->fileOffset);
    const AddressRange source{like->address + skipped, std::min(extent.length, like->length - skipped)};
    bool isNoted = false;
    eraseIf({extent.address, extent.length}, [&](Entry& entry) {
      isNoted = true;
      if (entry.isGuess) entry.old = source;
      return false;
    });
    if (!isNoted) byStart_[extent.address] = {extent.length, source, true, 0};
  }
  while (byStart_.size() > kCountMax) byStart_.erase(byStart_.begin());
}

void Replacements::found(AddressRange fresh) {
  const std::lock_guard lock(mutex_);
  guessesInVain_ = 0;
  eraseIf(fresh, [](Entry& entry) {
    entry.inVain = 0;
    return false;
  });
}

void Replacements::inVain(AddressRange tried, AddressRange literal) {
  const std::lock_guard lock(mutex_);
  bool isGuess = false;
  eraseIf(tried, [&](Entry& entry) {
    isGuess = isGuess || entry.isGuess;
    return entry.isGuess || ++entry.inVain > kInVainMax;
  });
  if (isGuess && ++guessesInVain_ > kInVainMax) eraseIf(literal, [](const Entry& entry) { return entry.isGuess; });
}

BlobAddress ReplacementTracker::old() const { return old_ == kHole ? kHole : old_ + fresh_.length; }

void ReplacementTracker::matched(AddressRange chunk, Replacements& replacements) {
  if (fresh_.length > 0) {
    const bool isKnown = old_ != kHole && !isGuess_;
    const bool isBetween = isKnown && inOneSegment(old_, chunk.start) && old_ <= chunk.start &&
                           chunk.start - old_ <= fresh_.length * kShrinkMost;
    const std::uint64_t before = std::min<std::uint64_t>(fresh_.length, offsetOf(chunk.start));
    if (isBetween) {
      replacements.note(fresh_, {old_, chunk.start - old_}, false);
    } else if (isKnown) {
      pause(replacements);
    } else {
      replacements.note(fresh_, {chunk.start - before, before}, false);
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
  if (fresh_.length > 0 && old_ != kHole) replacements.note(fresh_, {old_, fresh_.length}, isGuess_);
}

}  // namespace packetfs
