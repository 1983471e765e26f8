// See foreknowledge.h. All tables are bounded: what does not fit is not known any more, and asked of JavaScript.
#include "foreknowledge.h"

#include <functional>
#include <utility>

namespace packetfs::fuse {

namespace {

constexpr std::size_t kNewFilesMax = 32768;  // twice: those that are open for the first time, as a rule
constexpr std::size_t kDirectoriesMax = 16384;
constexpr std::size_t kNamesMax = 262144;  // about 10 MiB

std::uint64_t hashOf(std::string_view name) { return std::hash<std::string_view>{}(name); }

}  // namespace

Foreknowledge::Directory& Foreknowledge::directoryOf(fuse_ino_t inode) {
  if (directories_.size() >= kDirectoriesMax && !directories_.contains(inode)) {
    directories_.clear();
    namesCount_ = 0;
  }
  return directories_[inode];
}

void Foreknowledge::note(const DirectoryChange& change) {
  for (const fuse_ino_t inode : change.inodes) {
    if (!change.answerTells && !directories_.contains(inode)) continue;
    Directory& directory = directoryOf(inode);
    directory.lastChange = changes_;
    directory.attributes.reset();
  }
  if (!change.newName.empty()) noteName(*(change.inodes.end() - 1), change.newName);
}

void Foreknowledge::noteName(fuse_ino_t inode, std::string_view name) {
  auto& names = directoryOf(inode).names;
  if (!names.has_value() || !names->insert(hashOf(name)).second) return;
  if (++namesCount_ < kNamesMax) return;
  for (auto& [other, directory] : directories_) directory.names.reset();
  namesCount_ = 0;
}

void Foreknowledge::forget(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  newFiles_.erase(inode);
  olderNewFiles_.erase(inode);
  const auto found = directories_.find(inode);
  if (found == directories_.end()) return;
  if (found->second.names.has_value()) namesCount_ -= found->second.names->size();
  directories_.erase(found);
}

void Foreknowledge::forgetAttributes(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(inode);
  if (found != directories_.end()) found->second.attributes.reset();
}

void Foreknowledge::learnAttributes(const struct stat& attributes, std::uint64_t change) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(attributes.st_ino);
  if (found == directories_.end()) return;
  if (found->second.lastChange == change) {
    found->second.attributes = attributes;
  } else {
    found->second.attributes.reset();
  }
}

std::optional<struct stat> Foreknowledge::directory(fuse_ino_t inode) const {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(inode);
  return found == directories_.end() ? std::nullopt : found->second.attributes;
}

void Foreknowledge::learnNew(const struct stat& attributes) {
  std::lock_guard guard(mutex_);
  if (S_ISDIR(attributes.st_mode)) directoryOf(attributes.st_ino).names.emplace();
  if (!S_ISREG(attributes.st_mode)) return;
  if (newFiles_.size() >= kNewFilesMax) {
    std::swap(olderNewFiles_, newFiles_);
    newFiles_.clear();
  }
  newFiles_.insert(attributes.st_ino);
}

bool Foreknowledge::hasNoCapabilities(fuse_ino_t inode) const {
  std::lock_guard guard(mutex_);
  return newFiles_.contains(inode) || olderNewFiles_.contains(inode);
}

bool Foreknowledge::lacksName(fuse_ino_t directory, std::string_view name) const {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(directory);
  if (found == directories_.end() || !found->second.names.has_value()) return false;
  return !found->second.names->contains(hashOf(name));
}

}  // namespace packetfs::fuse
