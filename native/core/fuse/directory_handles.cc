// See directory_handles.h.
#include "directory_handles.h"

namespace packetfs::fuse {

void DirectoryHandles::reading(std::uint64_t handle) {
  std::lock_guard guard(mutex_);
  read_.insert(handle);
}

bool DirectoryHandles::close(std::uint64_t handle) {
  std::lock_guard guard(mutex_);
  return read_.erase(handle) > 0;
}

}  // namespace packetfs::fuse
