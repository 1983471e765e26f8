// Lines and memory of the chunk index (chunk_index_table.h).
#include "chunk_index_table.h"

#include <sys/mman.h>

#include <utility>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace packetfs {

namespace {}  // namespace

unsigned IndexLine::slotsWithTag(std::uint8_t tag) const {
#if defined(__x86_64__)
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
  const __m128i front = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(this));
  const auto equal = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(front, wanted)));
  return equal & flags & kAllTaken;
#else
  unsigned equal = 0;
  for (std::size_t slot = 0; slot < kSlots; slot++) equal |= static_cast<unsigned>(tags[slot] == tag) << slot;
  return equal & flags & kAllTaken;
#endif
}

void IndexLine::fill(std::size_t slot, const IndexSlot& entry) {
  tags[slot] = entry.hash.tag();
  wideTags[slot] = entry.hash.wideTag();
  rests[slot] = entry.hash.rest();
  std::memcpy(locations[slot], &entry.location, sizeof locations[slot]);
  const auto low = static_cast<unsigned>(slot % 2 * 4);
  const unsigned kept = displacements[slot / 2] & ~(0x0fU << low);
  displacements[slot / 2] = static_cast<std::uint8_t>(kept | static_cast<unsigned>(entry.behind) << low);
  flags = static_cast<std::uint8_t>(flags | 1U << slot);
}

std::size_t IndexLine::nearestSlot() const {
  std::size_t nearest = 0;
  for (std::size_t slot = 1; slot < kSlots; slot++) {
    if (displacement(slot) < displacement(nearest)) nearest = slot;
  }
  return nearest;
}

IndexSlot IndexLine::slot(std::size_t slot) const {
  const std::uint64_t low =
      static_cast<std::uint64_t>(rests[slot]) << 24 | static_cast<std::uint64_t>(wideTags[slot]) << 8 | tags[slot];
  return {{low}, location(slot), displacement(slot)};
}

ShortHash IndexLine::hashOf(std::size_t slot, std::size_t line, std::size_t lines) const {
  const std::size_t home = line - displacement(slot);
  const auto first =
      static_cast<std::uint64_t>(((static_cast<unsigned __int128>(home) << kHashBits) + lines - 1) / lines);
  const auto low = static_cast<std::uint32_t>(this->slot(slot).hash.bits);
  return {first + static_cast<std::uint32_t>(low - static_cast<std::uint32_t>(first))};
}

IndexTable::IndexTable(std::size_t lines) : lines_(lines) {
  memoryBytes_ = (lines + kDisplacementMost) * sizeof(IndexLine);
  if (memoryBytes_ >= kHugePagesFromBytes) memoryBytes_ = (memoryBytes_ + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  void* memory = mmap(nullptr, memoryBytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    memoryBytes_ = 0;
    return;
  }
  if (memoryBytes_ >= kHugePagesFromBytes) madvise(memory, memoryBytes_, MADV_HUGEPAGE);  // advice: works without
  memory_ = static_cast<IndexLine*>(memory);
}

IndexTable::~IndexTable() {
  if (memory_ != nullptr) munmap(memory_, memoryBytes_);
}

IndexTable::IndexTable(IndexTable&& other) noexcept { *this = std::move(other); }

IndexTable& IndexTable::operator=(IndexTable&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(lines_, other.lines_);
  std::swap(memoryBytes_, other.memoryBytes_);
  std::swap(releasedBytes_, other.releasedBytes_);
  return *this;
}

void IndexTable::release(std::size_t end) {
  const std::size_t bytes = end * sizeof(IndexLine) & ~(kHugePageBytes - 1);
  if (bytes <= releasedBytes_) return;
  madvise(reinterpret_cast<std::uint8_t*>(memory_) + releasedBytes_, bytes - releasedBytes_, MADV_DONTNEED);
  releasedBytes_ = bytes;
}

/// Robin Hood order: whoever is further from home takes the place of one that is nearer to its own, which moves on.
/// Without it the latest comer crosses whole clusters, and a few in ten thousand find no place at load 0.8.
bool IndexTable::place(ShortHash hash, std::uint64_t location) {
  std::size_t index = hash.home(lines_);
  IndexSlot carried{hash, location, 0};
  for (;; index++, carried.behind++) {
    IndexLine& line = memory_[index];
    const std::size_t free = line.freeSlot();
    if (free != kNoSlot) {
      line.fill(free, carried);
      return true;
    }
    const std::size_t nearest = line.nearestSlot();
    if (line.displacement(nearest) < carried.behind) {
      const IndexSlot evicted = line.slot(nearest);
      line.fill(nearest, carried);
      carried = evicted;
    }
    if (carried.behind == kDisplacementMost) return false;
    line.flags |= IndexLine::kOverflowed;
  }
}

}  // namespace packetfs
