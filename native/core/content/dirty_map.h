// Written bytes of one file that are not yet in the blob: runs by file offset, not overlapping.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "byte_run.h"
#include "interval_set.h"

namespace packetfs {

class DirtyMap {
 public:
  using Runs = std::map<std::uint64_t, ByteRun>;

  void write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t length);
  /// Forgets what lies in [start, end).
  void remove(std::uint64_t start, std::uint64_t end);
  void clear();
  /// Puts dirty bytes over a buffer that holds [start, start + length).
  void overlay(std::uint64_t start, std::uint8_t* target, std::size_t length) const;
  [[nodiscard]] bool covers(std::uint64_t start, std::uint64_t length) const;
  /// The memory of [start, start + length) when it lies in one run, or null.
  [[nodiscard]] const std::uint8_t* inOneRun(std::uint64_t start, std::uint64_t length) const;
  /// The first dirty byte at or behind `offset`.
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t offset) const;
  /// Where the dirty bytes at `offset` end; `offset` when it is not dirty.
  [[nodiscard]] std::uint64_t endAt(std::uint64_t offset) const;
  /// The run that ends exactly here.
  [[nodiscard]] std::optional<ByteRange> runEndingAt(std::uint64_t end) const;
  /// Dirty ranges, neighbours merged.
  [[nodiscard]] std::vector<ByteRange> ranges() const;
  /// Puts clean bytes in front of the run that starts at `start`.
  void prepend(std::uint64_t start, std::span<const std::uint8_t> bytes);

  /// The run that ends here is being read without a lock: what is written behind it becomes a run of its own. Nothing
  /// before `end` may change until thaw.
  void freezeBefore(std::uint64_t end) { frozenEnd_ = end; }
  void thaw() { frozenEnd_ = kNothingFrozen; }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] std::uint64_t end() const {
    return runs_.empty() ? 0 : runs_.rbegin()->first + runs_.rbegin()->second.size();
  }

 private:
  static constexpr std::uint64_t kNothingFrozen = UINT64_MAX;

  Runs runs_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t frozenEnd_ = kNothingFrozen;
};

}  // namespace packetfs
