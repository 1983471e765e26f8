// See file_model.h.
#include "file_model.h"

namespace packetfs::checker {

void FileModel::unsettle(std::uint64_t start, std::uint64_t end) {
  if (!unsettled_) {
    unsettled_ = true;
    settled_ = bytes_;
    sizeLowest_ = sizeHighest_ = size_;
  }
  if (start >= end) return;
  auto next = changed_.lower_bound(start);
  if (next != changed_.begin() && std::prev(next)->second >= start) {
    --next;
    start = next->first;
  }
  while (next != changed_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = changed_.erase(next);
  }
  changed_[start] = end;
}

void FileModel::resize(std::uint64_t size) {
  unsettle(std::min(size, size_) - base_, std::max(size, size_) - base_);
  size_ = size;
  bytes_.resize(size - base_);
  sizeLowest_ = std::min(sizeLowest_, size);
  sizeHighest_ = std::max(sizeHighest_, size);
}

void FileModel::write(std::uint64_t offset, const std::uint8_t* source, std::uint64_t length) {
  if (length == 0) return;
  if (offset + length > size_) resize(offset + length);
  unsettle(offset - base_, offset + length - base_);
  std::memcpy(bytes_.data() + (offset - base_), source, length);
}

void FileModel::zero(std::uint64_t offset, std::uint64_t end) {
  end = std::min(end, size_);
  if (offset >= end) return;
  unsettle(offset - base_, end - base_);
  std::memset(bytes_.data() + (offset - base_), 0, end - offset);
}

bool FileModel::isZero(std::uint64_t start, std::uint64_t end) const {
  start = std::max(start, base_);
  end = std::min(end, size_);
  if (start >= end) return true;
  const std::uint8_t* first = at(start);
  return *first == 0 && std::memcmp(first, first + 1, end - start - 1) == 0;
}

void FileModel::settle() {
  unsettled_ = false;
  settled_.clear();
  changed_.clear();
}

std::uint64_t FileModel::firstUnexplained(const std::uint8_t* found, std::uint64_t count) const {
  const std::vector<std::uint8_t>& kept = unsettled_ ? settled_ : bytes_;
  for (std::uint64_t i = 0; i < count; i++) {
    const std::uint8_t expected = i < kept.size() ? kept[i] : 0;
    if (found[i] == expected) continue;
    auto next = changed_.upper_bound(i);
    if (next == changed_.begin() || std::prev(next)->second <= i) return i;
  }
  return count;
}

void FileModel::adopt(const std::uint8_t* found, std::uint64_t size) {
  size_ = size;
  bytes_.assign(found, found + (size - base_));
  settle();
}

}  // namespace packetfs::checker
