// The faulty disk: a directory tree that is passed through, and apart from it what of it no fsync has made durable.
// Everything that the operations and the control commands share, behind one lock.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "faults.h"
#include "unsynced_file.h"
#include "unsynced_names.h"

namespace faulty {

class Disk {
 public:
  explicit Disk(const std::string& backing) : tree_(backing + "/tree"), names_(backing + "/aside") {}

  [[nodiscard]] std::string at(const char* path) const { return tree_ + path; }
  std::mutex& mutex() { return mutex_; }

  // The rest expects the lock to be held, but for `admit`, which waits out a delay without it.
  /// 0, or the errno that the operation is answered with; `lie` for a sync that must do nothing.
  int admit(const std::string& operation, const std::string& path, bool* lie = nullptr);
  /// The file of an open descriptor, made known; a copy of the descriptor is kept.
  UnsyncedFile& file(int descriptor);
  void syncFile(int descriptor);
  void failSync(int descriptor);
  void syncDirectory(const std::string& path);
  UnsyncedNames& names() { return names_; }
  Faults& faults() { return faults_; }

  /// From here on every operation fails: the power is gone.
  void stop() { stopped_ = true; }
  struct Losses {
    std::uint64_t sectors = 0;
    std::uint64_t names = 0;
  };
  Losses lose(Loss loss, std::uint64_t seed);

 private:
  std::string tree_;
  std::mutex mutex_{};
  bool stopped_ = false;
  Faults faults_{};
  UnsyncedNames names_;
  std::unordered_map<std::uint64_t, std::unique_ptr<UnsyncedFile>> files_{};  // by inode number
};

}  // namespace faulty
