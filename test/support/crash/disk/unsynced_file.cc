// See unsynced_file.h. A truncation is a barrier: if it is lost, so is everything that was done to the file after it.
#include "unsynced_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace faulty {
namespace {

[[noreturn]] void die(const char* action) {
  std::perror(action);
  std::abort();
}

}  // namespace

UnsyncedFile::~UnsyncedFile() { ::close(descriptor_); }

std::uint64_t UnsyncedFile::size() const {
  struct stat attributes {};
  if (::fstat(descriptor_, &attributes) != 0) die("fstat");
  return static_cast<std::uint64_t>(attributes.st_size);
}

/// The sectors that [start, end) touches, filled up with zeros where the file ends.
std::map<std::uint64_t, UnsyncedFile::Sector> UnsyncedFile::sectors(std::uint64_t start, std::uint64_t end) const {
  std::map<std::uint64_t, Sector> found;
  if (start >= end) return found;
  const std::uint64_t first = start / kSectorBytes;
  const std::uint64_t last = (end - 1) / kSectorBytes;
  Sector bytes((last - first + 1) * kSectorBytes);
  if (::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(first * kSectorBytes)) < 0) die("pread");
  for (std::uint64_t sector = first; sector <= last; sector++) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>((sector - first) * kSectorBytes);
    found.emplace(sector, Sector(begin, begin + static_cast<std::ptrdiff_t>(kSectorBytes)));
  }
  return found;
}

void UnsyncedFile::willWrite(std::uint64_t offset, std::uint64_t length) {
  records_.push_back({.resizes = false, .sizeBefore = size(), .before = sectors(offset, offset + length)});
}

void UnsyncedFile::willResize(std::uint64_t newSize) {
  const std::uint64_t before = size();
  records_.push_back({.resizes = true, .sizeBefore = before, .before = sectors(newSize, before)});
}

void UnsyncedFile::synced() {
  for (const Record& record : records_) {
    for (const auto& [sector, bytes] : record.before) doomed_.erase(sector);
  }
  records_.clear();
}

void UnsyncedFile::syncFailed() {
  for (const Record& record : records_) doomed_.insert(record.before.begin(), record.before.end());  // the oldest stays
  records_.clear();
}

/// Writes no further than the file reaches.
void UnsyncedFile::restore(std::uint64_t sector, const Sector& bytes) {
  const std::uint64_t start = sector * kSectorBytes;
  const std::uint64_t end = size();
  if (start >= end) return;
  const std::uint64_t length = std::min(kSectorBytes, end - start);
  if (::pwrite(descriptor_, bytes.data(), length, static_cast<off_t>(start)) < 0) die("pwrite");
}

void UnsyncedFile::undo(const Record& record) {
  if (::ftruncate(descriptor_, static_cast<off_t>(record.sizeBefore)) != 0) die("ftruncate");
  for (const auto& [sector, bytes] : record.before) restore(sector, bytes);
}

/// Undoes every record from `first` on.
std::uint64_t UnsyncedFile::undoFrom(std::size_t first) {
  std::uint64_t lost = 0;
  for (std::size_t i = records_.size(); i > first; i--) {
    undo(records_[i - 1]);
    lost += records_[i - 1].before.size();
  }
  records_.resize(first);
  return lost;
}

/// Of each unit, a random number of its writes reached the disk, whatever became of its neighbours.
std::uint64_t UnsyncedFile::tear(std::uint64_t unitSectors, std::mt19937_64& random) {
  std::map<std::uint64_t, std::uint64_t> writes;  // by sector
  for (const Record& record : records_) {
    if (record.resizes) continue;
    for (const auto& [sector, bytes] : record.before) writes[sector]++;
  }
  std::map<std::uint64_t, double> shares;  // by unit
  std::map<std::uint64_t, std::uint64_t> kept;
  for (const auto& [sector, count] : writes) {
    const auto share = shares.try_emplace(sector / unitSectors, std::uniform_real_distribution<>(0, 1)(random));
    kept[sector] = static_cast<std::uint64_t>(share.first->second * static_cast<double>(count + 1));
  }
  std::uint64_t lost = 0;
  for (auto record = records_.rbegin(); record != records_.rend() && !record->resizes; record++) {
    for (const auto& [sector, bytes] : record->before) {
      if (writes[sector]-- <= kept[sector]) continue;
      restore(sector, bytes);
      lost++;
    }
  }
  return lost;
}

/// Where the file was extended, the disk may know it at any of the sizes since.
void UnsyncedFile::chooseSize(std::mt19937_64& random) {
  std::vector<std::uint64_t> sizes{size()};
  for (auto record = records_.rbegin(); record != records_.rend() && !record->resizes; record++) {
    sizes.push_back(record->sizeBefore);
  }
  const std::uint64_t chosen = sizes[random() % sizes.size()];
  if (chosen < sizes.front() && ::ftruncate(descriptor_, static_cast<off_t>(chosen)) != 0) die("ftruncate");
}

std::uint64_t UnsyncedFile::restoreDoomed() {
  for (const auto& [sector, bytes] : doomed_) restore(sector, bytes);
  return doomed_.size();
}

std::uint64_t UnsyncedFile::lose(Loss loss, std::mt19937_64& random) {
  std::uint64_t lost = 0;
  if (loss == Loss::everything) lost = undoFrom(0);
  if (loss == Loss::random) {
    switch (random() % 5) {
      case 0:
        lost = undoFrom(0);
        break;
      case 1:  // all of it was written
        break;
      case 2:
        lost = undoFrom(random() % (records_.size() + 1));
        break;
      default: {
        for (std::size_t i = 0; i < records_.size(); i++) {
          if (records_[i].resizes && random() % 2 == 0) lost += undoFrom(i);
        }
        lost += tear(random() % 2 == 0 ? 1 : kPageBytes / kSectorBytes, random);
        if (random() % 2 == 0) chooseSize(random);
      }
    }
  }
  records_.clear();
  lost += restoreDoomed();
  return lost;
}

}  // namespace faulty
