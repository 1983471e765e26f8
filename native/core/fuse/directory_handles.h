// Handles of open directories: whether the kernel may keep what it reads through them, and whether JavaScript knows
// them. It may have a listing for each that was read from it, and is told when such a handle is closed. Those whose
// listing the kernel had kept never come so far.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace packetfs::fuse {

class DirectoryHandles {
 public:
  std::uint64_t open(bool isKept) { return next_.fetch_add(2, std::memory_order_relaxed) + (isKept ? 1 : 0); }
  static bool isKept(std::uint64_t handle) { return (handle & 1) != 0; }
  void reading(std::uint64_t handle);
  /// True where JavaScript is to be told.
  bool close(std::uint64_t handle);

 private:
  std::atomic<std::uint64_t> next_{2};  // even
  std::mutex mutex_{};
  std::unordered_set<std::uint64_t> read_{};
};

}  // namespace packetfs::fuse
