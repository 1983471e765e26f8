// See unsynced_names.h.
#include "unsynced_names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace faulty {
namespace {

std::uint64_t inodeOf(const std::string& path) {
  struct stat attributes {};
  return ::lstat(path.c_str(), &attributes) == 0 ? attributes.st_ino : 0;
}

std::string directoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

void mustSucceed(int outcome, const std::string& path) {
  if (outcome == 0) return;
  std::perror(path.c_str());
  std::abort();
}

}  // namespace

std::string UnsyncedNames::placeAside() { return aside_ + "/" + std::to_string(removals_++); }

int UnsyncedNames::created(const std::string& path) {
  changes_.push_back(
      {.kind = Change::Kind::create, .path = path, .inode = inodeOf(path), .directory = inodeOf(directoryOf(path))});
  return 0;
}

int UnsyncedNames::remove(const std::string& path) {
  Change change{.kind = Change::Kind::remove,
                .path = path,
                .saved = placeAside(),
                .inode = inodeOf(path),
                .directory = inodeOf(directoryOf(path))};
  if (::rename(path.c_str(), change.saved.c_str()) != 0) return errno;
  changes_.push_back(std::move(change));
  return 0;
}

int UnsyncedNames::removeDirectory(const std::string& path) {
  Change change{.kind = Change::Kind::removeDirectory,
                .path = path,
                .inode = inodeOf(path),
                .directory = inodeOf(directoryOf(path))};
  if (::rmdir(path.c_str()) != 0) return errno;
  changes_.push_back(std::move(change));
  return 0;
}

int UnsyncedNames::rename(const std::string& from, const std::string& to) {
  Change change{.kind = Change::Kind::rename,
                .path = from,
                .to = to,
                .inode = inodeOf(from),
                .directory = inodeOf(directoryOf(from)),
                .otherDirectory = inodeOf(directoryOf(to))};
  if (change.inode == 0) return ENOENT;
  if (inodeOf(to) != 0) {
    change.saved = placeAside();
    if (::rename(to.c_str(), change.saved.c_str()) != 0) return errno;
  }
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    if (!change.saved.empty()) mustSucceed(::rename(change.saved.c_str(), to.c_str()), to);
    return error;
  }
  changes_.push_back(std::move(change));
  return 0;
}

void UnsyncedNames::synced(std::uint64_t inode) {
  std::size_t durable = 0;
  for (std::size_t i = 0; i < changes_.size(); i++) {
    const Change& change = changes_[i];
    if (change.inode == inode || change.directory == inode || change.otherDirectory == inode) durable = i + 1;
  }
  settle(durable);
}

/// The first `count` changes are on the disk: what they removed is gone for good.
void UnsyncedNames::settle(std::size_t count) {
  for (; count > 0; count--) {
    const Change& change = changes_.front();
    if (!change.saved.empty()) mustSucceed(::remove(change.saved.c_str()), change.saved);
    changes_.pop_front();
  }
}

void UnsyncedNames::undo(const Change& change) {
  switch (change.kind) {
    case Change::Kind::create:
      mustSucceed(::remove(change.path.c_str()), change.path);
      return;
    case Change::Kind::remove:
      mustSucceed(::rename(change.saved.c_str(), change.path.c_str()), change.path);
      return;
    case Change::Kind::removeDirectory:
      mustSucceed(::mkdir(change.path.c_str(), 0700), change.path);
      return;
    case Change::Kind::rename:
      mustSucceed(::rename(change.to.c_str(), change.path.c_str()), change.path);
      if (!change.saved.empty()) mustSucceed(::rename(change.saved.c_str(), change.to.c_str()), change.to);
  }
}

std::uint64_t UnsyncedNames::lose(Loss loss, std::mt19937_64& random) {
  std::size_t kept = changes_.size();
  if (loss == Loss::everything) kept = 0;
  if (loss == Loss::random) kept = random() % (changes_.size() + 1);
  const std::uint64_t lost = changes_.size() - kept;
  while (changes_.size() > kept) {
    undo(changes_.back());
    changes_.pop_back();
  }
  allSynced();
  return lost;
}

}  // namespace faulty
