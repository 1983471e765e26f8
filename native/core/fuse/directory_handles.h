// Handles of open directories, and which of them JavaScript knows: it has a listing for each that was read from it, and
// is told when such a handle is closed. Those whose listing the kernel had kept never come so far.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace packetfs::fuse {

class DirectoryHandles {
 public:
  std::uint64_t open() { return next_.fetch_add(1, std::memory_order_relaxed); }
  void reading(std::uint64_t handle);
  /// True where JavaScript is to be told.
  bool close(std::uint64_t handle);

 private:
  std::atomic<std::uint64_t> next_{1};
  std::mutex mutex_{};
  std::unordered_set<std::uint64_t> read_{};
};

}  // namespace packetfs::fuse
