// See foreknowledge.h. All tables are bounded: what does not fit is not known any more, and asked of JavaScript.
#include "foreknowledge.h"

#include <sodium.h>

#include <cstdint>

#include "protocol.h"

namespace packetfs::fuse {

namespace {

constexpr std::size_t kDirectoriesMax = 16384;
constexpr std::size_t kNamesMax = 262144;  // about 14 MiB

/// What a name takes of a getdents(2) buffer: struct linux_dirent64 with the name and a NUL, padded.
constexpr std::size_t direntBytes(std::size_t nameBytes) {
  constexpr std::size_t kBesidesName = 20;
  return alignRecord(kBesidesName + nameBytes);
}
constexpr std::size_t kDotsBytes = direntBytes(1) + direntBytes(2);

}  // namespace

Foreknowledge::Foreknowledge() {
  static_assert(sizeof hashKey_ == crypto_shorthash_siphash24_KEYBYTES);
  randombytes_buf(hashKey_.data(), hashKey_.size());
}

/// SipHash-2-4 with a key of this process: nobody can choose two names that share a hash.
DirectoryName Foreknowledge::nameIn(fuse_ino_t directory, std::string_view name) const {
  DirectoryName result{.directory = directory};
  static_assert(sizeof result.hash == crypto_shorthash_siphash24_BYTES);
  crypto_shorthash_siphash24(reinterpret_cast<unsigned char*>(&result.hash),
                             reinterpret_cast<const unsigned char*>(name.data()), name.size(), hashKey_.data());
  return result;
}

Foreknowledge::Directory& Foreknowledge::directoryOf(fuse_ino_t inode) {
  if (directories_.size() >= kDirectoriesMax && !directories_.contains(inode)) {
    directories_.clear();
    namesCount_ = 0;
  }
  return directories_.try_emplace(inode, Directory{.namesSince = changes_}).first->second;
}

ChangeNote Foreknowledge::note(const DirectoryChange& change) {
  for (const fuse_ino_t inode : change.inodes) {
    if (!change.answerTells && !directories_.contains(inode)) continue;
    Directory& directory = directoryOf(inode);
    directory.lastChange = changes_;
    directory.attributes.reset();
    if (!change.answerTells) directory.isPlain = false;  // it may be its access list that changes
  }
  ChangeNote result{.number = changes_};
  if (!change.newName.empty()) result.made = nameIn(*(change.inodes.end() - 1), change.newName);
  if (!change.removedName.empty()) result.missing = nameIn(*change.inodes.begin(), change.removedName);
  if (result.made.has_value()) noteName(*result.made, change.newName.size());
  return result;
}

void Foreknowledge::noteName(const DirectoryName& name, std::size_t nameBytes) {
  makeRoomForName();
  Directory& directory = directoryOf(name.directory);
  if (directory.listingBytes.has_value()) *directory.listingBytes += direntBytes(nameBytes);
  const auto [entry, isNew] = directory.names.insert_or_assign(name.hash, Name{.lastMade = changes_});
  if (isNew) namesCount_++;
}

/// What is not answered yet is not learned any more: which names it made is forgotten.
void Foreknowledge::makeRoomForName() {
  if (namesCount_ < kNamesMax) return;
  for (auto& [inode, directory] : directories_) {
    directory.names.clear();
    directory.isComplete = false;
    directory.namesSince = changes_;
  }
  namesCount_ = 0;
}

void Foreknowledge::forget(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(inode);
  if (found == directories_.end()) return;
  namesCount_ -= found->second.names.size();
  directories_.erase(found);
}

void Foreknowledge::forgetAttributes(fuse_ino_t inode) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(inode);
  if (found == directories_.end()) return;
  found->second.attributes.reset();
  found->second.listingBytes.reset();
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

void Foreknowledge::learnNew(const struct stat& directory, bool isPlain) {
  std::lock_guard guard(mutex_);
  Directory& made = directoryOf(directory.st_ino);
  made.isComplete = true;
  made.isPlain = isPlain;
  made.listingBytes = kDotsBytes;
  made.attributes = directory;
}

void Foreknowledge::learnPlain(fuse_ino_t directory, std::uint64_t change) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(directory);
  if (found != directories_.end() && found->second.lastChange == change) found->second.isPlain = true;
}

Foreknowledge::Directory* Foreknowledge::whereNameIsNew(const DirectoryName& name) {
  const auto found = directories_.find(name.directory);
  if (found == directories_.end()) return nullptr;
  Directory& directory = found->second;
  const bool isKnown = directory.isComplete && directory.isPlain && directory.attributes.has_value();
  return isKnown && !directory.names.contains(name.hash) ? &directory : nullptr;
}

/// The number comes before the place in the queue: the kernel lets nobody else change the directory meanwhile.
std::optional<NewFile> Foreknowledge::makingFile(fuse_ino_t directory, std::string_view name) {
  std::lock_guard guard(mutex_);
  makeRoomForName();
  const DirectoryName wanted = nameIn(directory, name);
  Directory* known = whereNameIsNew(wanted);
  if (known == nullptr) return std::nullopt;
  changes_++;
  const NewFile file{.directory = *known->attributes, .change = changes_};
  known->lastChange = changes_;
  known->attributes.reset();
  noteName(wanted, name.size());
  return file;
}

void Foreknowledge::fileMade(const NewFile& file, const struct timespec& now) {
  struct stat changed = file.directory;
  changed.st_mtim = changed.st_ctim = now;
  learnAttributes(changed, file.change);
}

void Foreknowledge::fileNotMade(const NewFile& file) { learnAttributes(file.directory, file.change); }

ChangeNote Foreknowledge::listing(fuse_ino_t directory) {
  std::lock_guard guard(mutex_);
  directoryOf(directory);
  return {.number = changes_};
}

void Foreknowledge::learnListing(fuse_ino_t directory, std::size_t bytes, std::uint64_t change) {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(directory);
  if (found == directories_.end() || change < found->second.namesSince || change < found->second.lastChange) return;
  found->second.listingBytes = bytes == 0 ? std::nullopt : std::optional(bytes);
}

bool Foreknowledge::isSmall(fuse_ino_t directory) const {
  std::lock_guard guard(mutex_);
  const auto found = directories_.find(directory);
  return found != directories_.end() && found->second.listingBytes.value_or(SIZE_MAX) <= kSmallListingBytes;
}

std::optional<ChangeNote> Foreknowledge::lookingUp(fuse_ino_t directory, std::string_view name) const {
  const DirectoryName wanted = nameIn(directory, name);
  std::lock_guard guard(mutex_);
  if (lacks(wanted)) return std::nullopt;
  return ChangeNote{.number = changes_, .missing = wanted};
}

void Foreknowledge::learnMade(const DirectoryName& name) {
  std::lock_guard guard(mutex_);
  const auto directory = directories_.find(name.directory);
  if (directory == directories_.end()) return;
  const auto entry = directory->second.names.find(name.hash);
  if (entry != directory->second.names.end()) entry->second.missing = false;
}

void Foreknowledge::learnMissing(const DirectoryName& name, std::uint64_t change) {
  std::lock_guard guard(mutex_);
  makeRoomForName();
  const auto directory = directories_.find(name.directory);
  if (directory == directories_.end() || change < directory->second.namesSince) return;
  const auto [entry, isNew] = directory->second.names.try_emplace(name.hash);
  if (isNew) namesCount_++;
  if (entry->second.lastMade <= change) entry->second.missing = true;
}

bool Foreknowledge::lacks(const DirectoryName& name) const {
  const auto directory = directories_.find(name.directory);
  if (directory == directories_.end()) return false;
  const auto entry = directory->second.names.find(name.hash);
  return entry == directory->second.names.end() ? directory->second.isComplete : entry->second.missing;
}

}  // namespace packetfs::fuse
