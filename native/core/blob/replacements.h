// Which bytes of the blob took whose place, as ingest saw it: after a stored chunk the old content of a file went on at
// its end, until the next stored chunk (docs/design/0082). Only a hint for packing literals as deltas, so it is kept in
// memory, bounded, and forgotten with the process.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "../base/address.h"

namespace packetfs {

struct AddressRange {
  BlobAddress start = 0;
  std::uint64_t length = 0;

  [[nodiscard]] BlobAddress end() const { return start + length; }
};

/// Thread-safe.
class Replacements {
 public:
  static constexpr std::size_t kCountMax = 65536;  // of some 100 bytes each

  /// What lies at `fresh` replaced what lies at `old`. Takes the place of what was noted for the same start.
  void note(AddressRange fresh, AddressRange old, bool isGuess);
  /// A file with the content `fresh` took the name of one with the content `old`: what no anchor told is taken from
  /// there.
  void noteFile(const ExtentList& fresh, const ExtentList& old);
  struct Stretch {
    BlobAddress end = 0;
    /// Sorted, disjoint, each within one segment's addresses; perhaps not held.
    std::vector<AddressRange> old{};
  };
  /// From the start of `fresh` on: what is known to have replaced something, without a gap, and where bytes like it may
  /// lie; or, without `old`, what is not.
  [[nodiscard]] Stretch at(AddressRange fresh) const;
  /// A delta of these bytes was small.
  void found(AddressRange fresh);
  /// A delta of these bytes gained little; with them `literal` is on its way. What was noted is given up: a guess at
  /// once, what an anchor told when it happens often, and other guesses on the way when no guess is right.
  void inVain(AddressRange tried, AddressRange literal);

 private:
  struct Entry {
    std::uint64_t length = 0;
    AddressRange old{};
    bool isGuess = false;
    std::uint32_t inVain = 0;
  };
  using Map = std::map<BlobAddress, Entry>;
  static AddressRange oldOf(const Map::value_type& entry, AddressRange fresh);
  [[nodiscard]] BlobAddress startAtOrAfter(BlobAddress address) const;
  void eraseIf(AddressRange fresh, const std::function<bool(Entry&)>& isGone);

  mutable std::mutex mutex_{};
  Map byStart_{};
  std::uint32_t guessesInVain_ = 0;
};

/// Follows the chunks of one file, in order, across the windows of a stream.
class ReplacementTracker {
 public:
  ReplacementTracker() = default;
  /// `old`: where the content that is being replaced lies, kHole where nobody knows.
  explicit ReplacementTracker(BlobAddress old) : old_(old) {}

  /// Where the old content goes on.
  [[nodiscard]] BlobAddress old() const;
  /// A guess; without effect once something is known, or new bytes have come.
  void guess(BlobAddress old) {
    if (old_ != kHole || fresh_.length > 0) return;
    old_ = old;
    isGuess_ = true;
  }

  void matched(AddressRange chunk, Replacements& replacements);
  void appended(AddressRange chunk, Replacements& replacements);
  /// The window ends here: what is known by now is noted.
  void pause(Replacements& replacements) const;

 private:
  BlobAddress old_ = kHole;  // at the beginning of `fresh_`
  bool isGuess_ = false;
  AddressRange fresh_{kHole, 0};
};

}  // namespace packetfs
