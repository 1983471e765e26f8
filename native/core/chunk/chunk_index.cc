// The chunk index (chunk_index.h) over its table: linear probing, growth by a quarter when the load passes 0.8. Between
// two growths the load goes from 0.64 to 0.8, so a chunk costs 13.3 to 16.7 bytes, 14.9 on average.
#include "chunk_index.h"

#include <algorithm>

#include "chunk_index_table.h"

namespace packetfs {

namespace {

constexpr std::uint64_t kLoadNumerator = 4;  // at most 4/5 of the slots are taken
constexpr std::uint64_t kLoadDenominator = 5;
/// Leaves a twenty-fifth of the slots until the table must grow: not at the first write after a mount.
constexpr std::uint64_t kReservedPercent = 77;
constexpr std::uint64_t kLocationMost = (1ULL << 48) - 1;

}  // namespace

struct ChunkIndex::State {
  IndexTable table{kLinesLeast};
  std::uint64_t size = 0;
  std::uint64_t dropped = 0;
  std::size_t linesMost = SIZE_MAX;
  std::uint8_t leftOut = 0;  // bits of a hash's wide tag of which none is set where it is kept

  [[nodiscard]] bool isLoaded() const { return size * kLoadDenominator >= table.lines() * kSlots * kLoadNumerator; }
  [[nodiscard]] std::size_t linesAfterGrowth() const { return table.lines() + table.lines() / 4; }
  [[nodiscard]] bool keeps(ShortHash hash) const { return (hash.wideTag() & leftOut) == 0; }
  [[nodiscard]] bool canThin() const { return leftOut != UINT8_MAX; }
  bool growTo(std::size_t lines);
  void thin();
};

/// Keeps every second of the hashes that were kept. Their homes stay, and are as evenly spread as before in tables of
/// up to 2^28 lines, 16 GiB: the low bits of the wide tag say nothing of the home then.
void ChunkIndex::State::thin() {
  leftOut = static_cast<std::uint8_t>(leftOut << 1 | 1);
  const std::size_t end = table.lines() + kDisplacementMost;
  for (std::size_t index = 0; index < end; index++) {
    IndexLine& line = table.line(index);
    for (std::size_t slot = 0; slot < kSlots; slot++) {
      if (!line.taken(slot) || (line.wideTags[slot] & leftOut) == 0) continue;
      line.clear(slot);
      size--;
    }
  }
}

/// Moves every entry to a table with more lines; homes keep their order, so both are walked front to back and the old
/// pages go as the new ones come. An entry without a place (not to be expected below load 0.8) is dropped.
bool ChunkIndex::State::growTo(std::size_t lines) {
  IndexTable grown(lines);
  if (!grown.ok()) return false;
  const std::size_t end = table.lines() + kDisplacementMost;
  for (std::size_t index = 0; index < end; index++) {
    const IndexLine& line = table.line(index);
    for (std::size_t slot = 0; slot < kSlots; slot++) {
      if (!line.taken(slot)) continue;
      if (grown.place(line.hashOf(slot, index, table.lines()), line.location(slot))) continue;
      dropped++;
      size--;
    }
    table.release(index + 1);
  }
  table = std::move(grown);
  return true;
}

ChunkIndex::ChunkIndex(std::uint64_t memoryBytesMax) : state_(std::make_unique<State>()) {
  const std::uint64_t usable =
      memoryBytesMax < kHugePagesFromBytes ? memoryBytesMax : memoryBytesMax & ~(kHugePageBytes - 1);
  const std::uint64_t lines = usable / sizeof(IndexLine);
  state_->linesMost = std::max<std::uint64_t>(kLinesLeast, lines - std::min<std::uint64_t>(lines, kDisplacementMost));
}
ChunkIndex::~ChunkIndex() = default;

bool ChunkIndex::insert(const Hash256& hash, std::uint64_t location) {
  if (!state_->table.ok() || location > kLocationMost) {
    state_->dropped++;
    return false;
  }
  if (!keeps(hash)) return true;
  if (find(hash, [location](std::uint64_t held) { return held == location; })) return true;
  if (state_->isLoaded()) {
    const std::size_t lines = std::min(state_->linesAfterGrowth(), state_->linesMost);
    // Without memory to grow, the free fifth is used up first.
    if (lines > state_->table.lines()) {
      state_->growTo(lines);
    } else if (state_->canThin()) {
      state_->thin();
      if (!keeps(hash)) return true;
    }
  }
  if (!state_->table.place(ShortHash::of(hash), location)) {
    state_->dropped++;
    return false;
  }
  state_->size++;
  return true;
}

void ChunkIndex::reserve(std::uint64_t entries) {
  if (!state_->table.ok()) return;
  const auto needed = (state_->size + entries) * 100 / (kSlots * kReservedPercent) + 1;
  if (needed <= state_->table.lines()) return;
  const auto lines = std::min<std::uint64_t>(std::max(needed, state_->linesAfterGrowth()), state_->linesMost);
  if (lines > state_->table.lines()) state_->growTo(lines);
}

bool ChunkIndex::find(const Hash256& hash, const std::function<bool(std::uint64_t location)>& candidate) const {
  const ShortHash wanted = ShortHash::of(hash);
  const IndexTable& table = state_->table;
  if (!table.ok() || !state_->keeps(wanted)) return false;
  const std::size_t home = wanted.home(table.lines());
  for (std::size_t behind = 0; behind <= kDisplacementMost; behind++) {
    const IndexLine& line = table.line(home + behind);
    for (unsigned slots = line.slotsWithTag(wanted.tag()); slots != 0; slots &= slots - 1) {
      const auto slot = static_cast<std::size_t>(__builtin_ctz(slots));
      if (line.matches(slot, wanted, behind) && candidate(line.location(slot))) return true;
    }
    if (!line.overflowed()) return false;
  }
  return false;
}

void ChunkIndex::erase(const Hash256& hash, std::uint64_t location) {
  const ShortHash wanted = ShortHash::of(hash);
  IndexTable& table = state_->table;
  if (!table.ok()) return;
  const std::size_t home = wanted.home(table.lines());
  for (std::size_t behind = 0; behind <= kDisplacementMost; behind++) {
    IndexLine& line = table.line(home + behind);
    for (unsigned slots = line.slotsWithTag(wanted.tag()); slots != 0; slots &= slots - 1) {
      const auto slot = static_cast<std::size_t>(__builtin_ctz(slots));
      if (!line.matches(slot, wanted, behind) || line.location(slot) != location) continue;
      line.clear(slot);
      state_->size--;
      return;
    }
    if (!line.overflowed()) return;
  }
}

bool ChunkIndex::visit(std::size_t first, std::size_t count,
                       const std::function<void(std::uint64_t hashBits, std::uint64_t location)>& entry) const {
  const IndexTable& table = state_->table;
  if (!table.ok()) return false;
  const std::size_t end = table.lines() + kDisplacementMost;
  for (std::size_t index = first; index < std::min(end, first + count); index++) {
    const IndexLine& line = table.line(index);
    for (std::size_t slot = 0; slot < kSlots; slot++) {
      if (line.taken(slot)) entry(line.hashOf(slot, index, table.lines()).bits, line.location(slot));
    }
  }
  return first + count < end;
}

std::uint64_t ChunkIndex::bitsOf(const Hash256& hash) { return ShortHash::of(hash).bits; }

std::size_t ChunkIndex::lines() const { return state_->table.lines(); }

void ChunkIndex::prefetch(const Hash256& hash) const {
  const IndexTable& table = state_->table;
  if (table.ok()) __builtin_prefetch(&table.line(ShortHash::of(hash).home(table.lines())));
}

std::uint64_t ChunkIndex::size() const { return state_->size; }
std::uint64_t ChunkIndex::memoryBytes() const { return state_->table.memoryBytes(); }
std::uint32_t ChunkIndex::oneIn() const { return state_->leftOut + 1U; }
bool ChunkIndex::keeps(const Hash256& hash) const { return state_->keeps(ShortHash::of(hash)); }
std::uint64_t ChunkIndex::dropped() const { return state_->dropped; }

}  // namespace packetfs
