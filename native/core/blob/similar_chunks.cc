// See similar_chunks.h.
#include "similar_chunks.h"

#include <algorithm>

namespace packetfs {

bool SimilarChunks::isEmpty() const {
  const std::lock_guard lock(mutex_);
  return slots_.empty();
}

std::optional<AddressRange> SimilarChunks::find(const Sketch& sketch) const {
  std::vector<AddressRange> found;  // one for each number that it has in common, the older ones first
  {
    const std::lock_guard lock(mutex_);
    if (slots_.empty()) return std::nullopt;
    for (const auto which : {&Slot::first, &Slot::last}) {
      for (std::size_t number = 0; number < kSketchNumbers; number++) {
        const Slot& slot = slots_[slotOf(number, sketch[number])];
        const Chunk& chunk = slot.*which;
        if (chunk.length > 0 && slot.tag == tagOf(sketch[number])) found.push_back({chunk.start, chunk.length});
      }
    }
  }
  if (found.empty()) return std::nullopt;
  return *std::ranges::max_element(found, {}, [&](const AddressRange& chunk) {
    return std::ranges::count(found, chunk.start, &AddressRange::start);
  });
}

void SimilarChunks::add(const Sketch& sketch, AddressRange chunk) {
  const Chunk added{chunk.start, static_cast<std::uint32_t>(chunk.length)};
  const std::lock_guard lock(mutex_);
  if (slots_.empty()) slots_.resize(kSketchNumbers * kSlots);
  for (std::size_t number = 0; number < kSketchNumbers; number++) {
    Slot& slot = slots_[slotOf(number, sketch[number])];
    if (slot.first.length == 0 || slot.tag != tagOf(sketch[number])) {
      slot = {.tag = tagOf(sketch[number]), .first = added};
    } else if (slot.first.start != added.start) {
      slot.last = added;
    }
  }
}

}  // namespace packetfs
