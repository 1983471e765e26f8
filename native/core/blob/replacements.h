// Which bytes of the blob took whose place, as ingest saw it: after a stored chunk the old content of a file went on at
// its end, until the next stored chunk (docs/design/0082). Only a hint for packing literals as deltas, so it is kept in
// memory, bounded, and forgotten with the process.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "../base/address.h"

namespace packetfs {

struct AddressRange {
  BlobAddress start = 0;
  std::uint64_t length = 0;

  [[nodiscard]] BlobAddress end() const { return start + length; }
};

/// What says where replaced bytes lie: nothing but the order of files, or of their names; a stored chunk on one side of
/// the new bytes; that the bytes there are like them; a stored chunk on both sides.
enum class Anchor { kNone, kOneSide, kSimilar, kBothSides };

/// Thread-safe. New bytes are noted in the order of their addresses, so those with the lowest are the oldest.
class Replacements {
 public:
  static constexpr std::size_t kCountMax = 65536;  // of some 100 bytes each

  /// What lies at `fresh` replaced what lies at `old`. Takes the place of what was noted of these bytes, unless that is
  /// better: two anchors near each other, then a likeness. What was given up stays so when more of it is noted.
  void note(AddressRange fresh, AddressRange old, Anchor anchor);
  /// More of what was noted before `fresh`, if that ends there and the old goes on where its old ends.
  void noteMore(AddressRange fresh, AddressRange old, Anchor anchor);
  /// A file with the content `fresh`, of which `isNew` tells what may not have been stored before, took the name of one
  /// with the content `old`: what no two anchors told is taken from there.
  void noteFile(const ExtentList& fresh, const ExtentList& old, const std::function<bool(BlobAddress)>& isNew);

  struct Stretch {
    BlobAddress end = 0;
    /// Sorted, disjoint, each within one segment's addresses; perhaps not held.
    std::vector<AddressRange> old{};
  };
  /// From the start of `fresh` on: what is known to have replaced something, without a gap, and where bytes like it may
  /// lie; or, without `old`, what is not.
  [[nodiscard]] Stretch at(AddressRange fresh) const;
  /// Whether these bases hold most of what the bytes replaced.
  [[nodiscard]] bool areIn(AddressRange fresh, std::span<const AddressRange> bases) const;

  /// How far of these bytes nothing but guesses, or nothing, is known of what they replaced.
  [[nodiscard]] BlobAddress endOfGuesses(AddressRange fresh) const;

  /// A delta of these bytes was small.
  void found(AddressRange fresh);
  /// A delta of these bytes gained little. What had no anchor is given up at once, as are likenesses, no further than
  /// these bytes; the rest when that happens five times in a row. True when some of it had no anchor.
  bool inVain(AddressRange fresh);

 private:
  struct Entry {
    std::uint64_t length = 0;
    AddressRange old{};
    Anchor anchor = Anchor::kNone;
    std::uint32_t inVain = 0;

    [[nodiscard]] bool isGivenUp() const;
    /// In proportion to more than is looked at around a place, two anchors say little of it.
    [[nodiscard]] bool isExact() const;
    [[nodiscard]] bool isLikeness() const { return anchor == Anchor::kSimilar; }
  };
  using Map = std::map<BlobAddress, Entry>;
  static bool isBetterThanGuess(const Entry& entry);
  static AddressRange oldOf(const Map::value_type& entry, AddressRange fresh);
  [[nodiscard]] BlobAddress startAtOrAfter(BlobAddress address) const;
  /// The entries, but those given up, with their part in `fresh`, in order, until `visit` returns false.
  void visitKnown(AddressRange fresh,
                  const std::function<bool(const Map::value_type& entry, AddressRange part)>& visit) const;
  void change(AddressRange fresh, const std::function<void(Entry&)>& change);
  void put(AddressRange fresh, Entry entry);
  /// The parts of it of which nothing is known that is to be kept.
  void putAround(AddressRange fresh, Entry entry, bool (*isKept)(const Entry& known));

  mutable std::mutex mutex_{};
  Map byStart_{};  // disjoint
};

/// Follows the chunks of one file, in order, across the windows of a stream.
class ReplacementTracker {
 public:
  ReplacementTracker() = default;
  /// `old`: where the content that is being replaced lies, kHole where nobody knows.
  explicit ReplacementTracker(BlobAddress old) : old_(old) {}

  /// Where the old content goes on.
  [[nodiscard]] BlobAddress old() const;
  /// Without effect once something is known, or new bytes have come.
  void guess(BlobAddress old) {
    if (old_ != kHole || fresh_.length > 0) return;
    old_ = old;
    isGuess_ = true;
  }

  void matched(AddressRange chunk, Replacements& replacements);
  void appended(AddressRange chunk, Replacements& replacements);
  /// What is known by now is noted.
  void pause(Replacements& replacements);

 private:
  BlobAddress old_ = kHole;  // at the beginning of `fresh_`
  std::uint64_t noted_ = 0;  // bytes of `fresh_`
  bool isGuess_ = false;
  AddressRange fresh_{kHole, 0};
};

}  // namespace packetfs
