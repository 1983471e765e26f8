// One file as it must be: its bytes in memory, and which of them a crash may take back. A file has a base far into it,
// or 0: what lies before is a hole that nothing writes to, so that big offsets cost no memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

namespace packetfs::checker {

class FileModel {
 public:
  explicit FileModel(std::uint64_t base) : base_(base), size_(base) {}

  [[nodiscard]] std::uint64_t base() const { return base_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The byte at `offset` and those after it up to the end of the file; offset at least the base.
  [[nodiscard]] const std::uint8_t* at(std::uint64_t offset) const { return bytes_.data() + (offset - base_); }

  void write(std::uint64_t offset, const std::uint8_t* source, std::uint64_t length);
  void zero(std::uint64_t offset, std::uint64_t end);
  void resize(std::uint64_t size);
  [[nodiscard]] bool isZero(std::uint64_t start, std::uint64_t end) const;

  /// What the file has now survives a crash from here on.
  void settle();
  [[nodiscard]] bool isSettled() const { return !unsettled_; }
  [[nodiscard]] std::uint64_t sizeLowest() const { return unsettled_ ? sizeLowest_ : size_; }
  [[nodiscard]] std::uint64_t sizeHighest() const { return unsettled_ ? sizeHighest_ : size_; }
  /// The first byte that differs although no change since the last settling explains it; `count` when there is none.
  [[nodiscard]] std::uint64_t firstUnexplained(const std::uint8_t* found, std::uint64_t count) const;
  /// A crash left these.
  void adopt(const std::uint8_t* found, std::uint64_t size);

 private:
  void unsettle(std::uint64_t start, std::uint64_t end);

  std::uint64_t base_;
  std::uint64_t size_;
  std::vector<std::uint8_t> bytes_{};
  bool unsettled_ = false;
  std::uint64_t sizeLowest_ = 0, sizeHighest_ = 0;
  std::vector<std::uint8_t> settled_{};
  std::map<std::uint64_t, std::uint64_t> changed_{};  // since settling: start and end, from the base
};

}  // namespace packetfs::checker
