// Which stored chunk a new one is most like, by their sketches: what a literal may be a delta to where neither order
// nor name tells (docs/design/0090). Only a hint: the youngest 32,768 or so, and more of those that are alike, in
// memory, gone with the process.
#pragma once
#include <mutex>
#include <optional>
#include <vector>

#include "../base/address.h"
#include "../chunk/sketch.h"
#include "replacements.h"

namespace packetfs {

/// Thread-safe.
class SimilarChunks {
 public:
  /// Nothing was added yet, so that there is nothing to be found.
  [[nodiscard]] bool isEmpty() const;
  /// The chunk that has most in common with the sketch, of several an older one.
  [[nodiscard]] std::optional<AddressRange> find(const Sketch& sketch) const;
  /// A number is that of the first and of the last chunk that had it: the last may still be on its way.
  void add(const Sketch& sketch, AddressRange chunk);

 private:
  static constexpr std::size_t kSlots = 1U << 15;  // of each number

  struct Chunk {
    BlobAddress start = 0;
    std::uint32_t length = 0;  // 0: none
  };
  struct Slot {
    std::uint32_t tag = 0;
    Chunk first{};
    Chunk last{};
  };
  [[nodiscard]] static std::size_t slotOf(std::size_t number, std::uint64_t value) {
    return number * kSlots + value % kSlots;
  }
  [[nodiscard]] static std::uint32_t tagOf(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

  mutable std::mutex mutex_{};
  std::vector<Slot> slots_{};  // empty until something is added
};

}  // namespace packetfs
