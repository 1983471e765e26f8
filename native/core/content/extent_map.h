// The extents of one file: a sorted vector without holes, neighbours with contiguous addresses coalesced.
#pragma once
#include <cstdint>
#include <vector>

#include "../base/address.h"
#include "interval_set.h"

namespace packetfs {

class ExtentMap {
 public:
  /// Sorted and not overlapping; holes are dropped.
  void assign(const ExtentList& extents, std::uint64_t size);
  void truncate(std::uint64_t size);
  /// Takes the ranges out and puts `fresh` in, which lies within them. Both sorted; one pass however many there are.
  void replace(const std::vector<ByteRange>& ranges, const ExtentList& fresh);
  /// What covers [start, end), holes explicit.
  [[nodiscard]] ExtentList slice(std::uint64_t start, std::uint64_t end) const;

  /// The extent that holds this byte, or null.
  [[nodiscard]] const Extent* at(std::uint64_t offset) const;
  /// The first extent that ends behind this byte, or null.
  [[nodiscard]] const Extent* firstEndingAfter(std::uint64_t offset) const;
  /// As firstEndingAfter, to the last one.
  [[nodiscard]] std::size_t indexOfFirstEndingAfter(std::uint64_t offset) const;
  [[nodiscard]] const ExtentList& list() const { return extents_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  ExtentList extents_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace packetfs
