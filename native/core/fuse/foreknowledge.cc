// See foreknowledge.h. Both tables are bounded: what does not fit is not known, and asked of JavaScript.
#include "foreknowledge.h"

namespace packetfs::fuse {

namespace {

constexpr std::size_t kNewFilesMax = 65536;  // those that are open for the first time, as a rule

}  // namespace

void Foreknowledge::forgetDirectories() {
  std::lock_guard guard(mutex_);
  directories_.clear();
}

void Foreknowledge::forget(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  directories_.erase(inode);
  newFiles_.erase(inode);
}

void Foreknowledge::learnDirectory(const struct stat& attributes, std::uint64_t creation) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(attributes.st_ino);
  if (found != directories_.end() && found->second.lastCreation == creation) found->second.attributes = attributes;
}

std::optional<struct stat> Foreknowledge::directory(fuse_ino_t inode) const {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(inode);
  return found == directories_.end() ? std::nullopt : found->second.attributes;
}

void Foreknowledge::learnNewFile(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  if (newFiles_.size() < kNewFilesMax) newFiles_.insert(inode);
}

bool Foreknowledge::hasNoCapabilities(fuse_ino_t inode) const {
  std::lock_guard guard(mutex_);
  return newFiles_.contains(inode);
}

}  // namespace packetfs::fuse
