// The memory of the chunk index (chunk_index.h): an array of 64-byte lines of 6 slots, addressed by linear probing in
// Robin Hood order.
//
// A hash is cut to its first 44 bits, H. Its home line is H * lines / 2^44, so that a table may have any number of
// lines and growing keeps the order. A slot keeps the low 32 bits of H (8-bit tag, 16-bit tag, 8 bits more) and how
// many lines it lies behind its home; with at least 2^12 lines, home and low bits give H back, and growing needs no
// hash from disk.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hash.h"

namespace packetfs {

constexpr unsigned kHashBits = 44;
constexpr std::size_t kSlots = 6;
constexpr std::size_t kLinesLeast = 4096;      // 2^kHashBits / lines <= 2^32
constexpr std::size_t kDisplacementMost = 15;  // four bits a slot
constexpr std::size_t kNoSlot = SIZE_MAX;
constexpr std::size_t kHugePageBytes = 2UL << 20;
constexpr std::size_t kHugePagesFromBytes = 16 * kHugePageBytes;  // rounding up to huge pages must not cost much

/// H and the parts of it that a slot keeps.
struct ShortHash {
  std::uint64_t bits;

  static ShortHash of(const Hash256& hash) {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++) word |= static_cast<std::uint64_t>(hash[i]) << (8 * i);
    return {word & ((1ULL << kHashBits) - 1)};
  }
  [[nodiscard]] std::uint8_t tag() const { return static_cast<std::uint8_t>(bits); }
  [[nodiscard]] std::uint16_t wideTag() const { return static_cast<std::uint16_t>(bits >> 8); }
  [[nodiscard]] std::uint8_t rest() const { return static_cast<std::uint8_t>(bits >> 24); }
  [[nodiscard]] std::size_t home(std::size_t lines) const {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(bits) * lines) >> kHashBits);
  }
};

/// What a slot says; of `hash` only the low 32 bits are kept.
struct IndexSlot {
  ShortHash hash;
  std::uint64_t location;
  std::size_t behind;  // lines between its home and where it lies
};

/// One cache line. `overflowed`: something whose home is here or before lies further on, so a probe must go on.
struct alignas(64) IndexLine {
  std::uint8_t tags[kSlots];
  std::uint8_t flags;             // bit i: slot i is taken; bit 7: overflowed
  std::uint8_t displacements[3];  // four bits a slot
  std::uint16_t wideTags[kSlots];
  std::uint8_t locations[kSlots][6];
  std::uint8_t rests[kSlots];

  static constexpr std::uint8_t kOverflowed = 0x80;
  static constexpr std::uint8_t kAllTaken = (1U << kSlots) - 1;

  [[nodiscard]] bool overflowed() const { return (flags & kOverflowed) != 0; }
  [[nodiscard]] bool taken(std::size_t slot) const { return (flags >> slot & 1) != 0; }

  [[nodiscard]] std::size_t freeSlot() const {
    const unsigned taken = flags & kAllTaken;
    return taken == kAllTaken ? kNoSlot : static_cast<std::size_t>(__builtin_ctz(~taken));
  }

  [[nodiscard]] std::uint64_t location(std::size_t slot) const {
    std::uint64_t value = 0;
    std::memcpy(&value, locations[slot], sizeof locations[slot]);
    return value;
  }

  [[nodiscard]] std::size_t displacement(std::size_t slot) const {
    return static_cast<std::size_t>(displacements[slot / 2] >> (slot % 2 * 4) & 0x0f);
  }

  /// The slots whose 8-bit tags match, as bits.
  [[nodiscard]] unsigned slotsWithTag(std::uint8_t tag) const;

  /// Whether a slot holds this hash, given how far this line is behind the hash's home.
  [[nodiscard]] bool matches(std::size_t slot, ShortHash hash, std::size_t behind) const {
    return wideTags[slot] == hash.wideTag() && rests[slot] == hash.rest() && displacement(slot) == behind;
  }

  void fill(std::size_t slot, const IndexSlot& entry);
  [[nodiscard]] IndexSlot slot(std::size_t slot) const;
  /// Of a full line: the slot whose entry is nearest to its home.
  [[nodiscard]] std::size_t nearestSlot() const;
  void clear(std::size_t slot) { flags = static_cast<std::uint8_t>(flags & ~(1U << slot)); }
  [[nodiscard]] ShortHash hashOf(std::size_t slot, std::size_t line, std::size_t lines) const;
};
static_assert(sizeof(IndexLine) == 64);

/// Zeroed anonymous memory for `lines` lines and the spill behind the last one, on huge pages where they exist.
class IndexTable {
 public:
  IndexTable() = default;
  explicit IndexTable(std::size_t lines);
  ~IndexTable();
  IndexTable(IndexTable&& other) noexcept;
  IndexTable& operator=(IndexTable&& other) noexcept;

  [[nodiscard]] bool ok() const { return memory_ != nullptr; }
  [[nodiscard]] std::size_t lines() const { return lines_; }
  [[nodiscard]] std::size_t memoryBytes() const { return memoryBytes_; }
  [[nodiscard]] IndexLine& line(std::size_t index) const { return memory_[index]; }
  /// Gives the pages of lines [0, end) back to the kernel; they are not needed any more.
  void release(std::size_t end);

  /// False when the last one in a row of displaced entries had no line within reach: that one is gone.
  bool place(ShortHash hash, std::uint64_t location);

 private:
  IndexLine* memory_ = nullptr;
  std::size_t lines_ = 0;
  std::size_t memoryBytes_ = 0;
  std::size_t releasedBytes_ = 0;
};

}  // namespace packetfs
