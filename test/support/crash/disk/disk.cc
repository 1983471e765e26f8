// See disk.h.
#include "disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

namespace faulty {
namespace {

std::uint64_t inodeOf(int descriptor) {
  struct stat attributes {};
  if (::fstat(descriptor, &attributes) != 0) {
    std::perror("fstat");
    std::abort();
  }
  return attributes.st_ino;
}

}  // namespace

int Disk::admit(const std::string& operation, const std::string& path, bool* lie) {
  Verdict verdict;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return EIO;
    verdict = faults_.judge(operation, path);
  }
  if (verdict.delay.count() > 0) std::this_thread::sleep_for(verdict.delay);
  if (lie != nullptr) *lie = verdict.lie;
  return verdict.error;
}

UnsyncedFile& Disk::file(int descriptor) {
  auto& known = files_[inodeOf(descriptor)];
  if (known == nullptr) {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const int own = ::open(link.c_str(), O_RDWR | O_CLOEXEC);
    if (own < 0) {
      std::perror(link.c_str());
      std::abort();
    }
    known = std::make_unique<UnsyncedFile>(own);
  }
  return *known;
}

void Disk::syncFile(int descriptor) {
  const std::uint64_t inode = inodeOf(descriptor);
  auto known = files_.find(inode);
  if (known != files_.end()) known->second->synced();
  names_.synced(inode);
}

void Disk::failSync(int descriptor) {
  auto known = files_.find(inodeOf(descriptor));
  if (known != files_.end()) known->second->syncFailed();
}

void Disk::syncDirectory(const std::string& path) {
  struct stat attributes {};
  if (::stat(path.c_str(), &attributes) == 0) names_.synced(attributes.st_ino);
}

Disk::Losses Disk::lose(Loss loss, std::uint64_t seed) {
  stopped_ = true;
  std::mt19937_64 random(seed);
  Losses losses;
  const std::map<std::uint64_t, UnsyncedFile*> ordered = [this] {
    std::map<std::uint64_t, UnsyncedFile*> all;
    for (const auto& [inode, file] : files_) all.emplace(inode, file.get());
    return all;
  }();
  for (const auto& [inode, file] : ordered) losses.sectors += file->lose(loss, random);
  losses.names = names_.lose(loss, random);
  files_.clear();
  return losses;
}

}  // namespace faulty
