// See known_files.h. All tables are bounded: what does not fit is not known any more, and asked of JavaScript.
#include "known_files.h"

#include <utility>

#include "protocol.h"

namespace packetfs::fuse {

namespace {

constexpr std::size_t kAttributesMax = 16384;
constexpr std::size_t kMadeMax = 16384;
constexpr std::size_t kAbsencesMax = 32768;  // twice

std::size_t counterOf(fuse_ino_t inode, std::size_t counters) {
  constexpr std::uint64_t kFibonacci = 0x9e3779b97f4a7c15U;
  return static_cast<std::size_t>((inode * kFibonacci) >> 40U) % counters;
}

}  // namespace

FileNote KnownFiles::asking(fuse_ino_t node, std::optional<AskedAttribute> asked) const {
  const fuse_ino_t inode = inodeOfNode(node);
  std::lock_guard guard(mutex_);
  return {.inode = inode, .changes = changes_[counterOf(inode, kCounters)], .asked = asked};
}

FileNote KnownFiles::changing(fuse_ino_t node) {
  const fuse_ino_t inode = inodeOfNode(node);
  std::lock_guard guard(mutex_);
  attributes_.erase(inode);
  return {.inode = inode, .changes = ++changes_[counterOf(inode, kCounters)], .isChange = true};
}

bool KnownFiles::isLast(const FileNote& note) const {
  return changes_[counterOf(note.inode, kCounters)] == note.changes;
}

void KnownFiles::learnAttributes(const FileNote& note, const Attributes& told) {
  std::lock_guard guard(mutex_);
  if (!isLast(note)) {
    attributes_.erase(note.inode);
    return;
  }
  if (attributes_.size() >= kAttributesMax && !attributes_.contains(note.inode)) attributes_.clear();
  attributes_.insert_or_assign(note.inode, told);
}

std::optional<KnownFiles::Attributes> KnownFiles::attributes(fuse_ino_t node) const {
  std::lock_guard guard(mutex_);
  const auto found = attributes_.find(inodeOfNode(node));
  if (found == attributes_.end() || found->second.node != node) return std::nullopt;
  return found->second;
}

void KnownFiles::learnMade(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  if (made_.size() >= kMadeMax) made_.clear();
  made_.insert(inode);
}

std::optional<KnownFiles::Attributes> KnownFiles::madeFile(fuse_ino_t node) const {
  std::lock_guard guard(mutex_);
  const auto found = attributes_.find(node);
  if (found == attributes_.end() || found->second.node != node || !made_.contains(node)) return std::nullopt;
  return found->second;
}

void KnownFiles::forgetAttributes(fuse_ino_t node) {
  std::lock_guard guard(mutex_);
  attributes_.erase(inodeOfNode(node));
}

void KnownFiles::forgetAllAttributes() {
  std::lock_guard guard(mutex_);
  attributes_.clear();
}

void KnownFiles::learnAbsence(const FileNote& note) {
  std::lock_guard guard(mutex_);
  if (!note.asked.has_value() || !isLast(note)) return;
  Absences& absences = absences_[static_cast<std::size_t>(*note.asked)];
  if (absences.inodes.size() >= kAbsencesMax) {
    std::swap(absences.older, absences.inodes);
    absences.inodes.clear();
  }
  absences.inodes.insert(note.inode);
}

bool KnownFiles::isAbsent(fuse_ino_t node, AskedAttribute attribute) const {
  const fuse_ino_t inode = inodeOfNode(node);
  std::lock_guard guard(mutex_);
  const Absences& absences = absences_[static_cast<std::size_t>(attribute)];
  return absences.inodes.contains(inode) || absences.older.contains(inode);
}

void KnownFiles::forget(fuse_ino_t node) {
  const fuse_ino_t inode = inodeOfNode(node);
  std::lock_guard guard(mutex_);
  attributes_.erase(inode);
  made_.erase(inode);
  for (Absences& absences : absences_) {
    absences.inodes.erase(inode);
    absences.older.erase(inode);
  }
}

}  // namespace packetfs::fuse
