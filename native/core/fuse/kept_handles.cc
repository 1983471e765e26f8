// See kept_handles.h.
#include "kept_handles.h"

namespace packetfs::fuse {

std::uint64_t KeptHandles::epoch() const {
  std::lock_guard guard(mutex_);
  return epoch_;
}

std::optional<std::uint64_t> KeptHandles::take(fuse_ino_t node) {
  std::lock_guard guard(mutex_);
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return std::nullopt;
  byAge_.erase(found->second);
  nodes_.erase(found);
  return epoch_;
}

KeptHandles::Kept KeptHandles::keep(fuse_ino_t node, std::uint64_t epoch) {
  std::lock_guard guard(mutex_);
  if (epoch != epoch_ || nodes_.contains(node)) return {};
  byAge_.push_front(node);
  nodes_.emplace(node, byAge_.begin());
  if (nodes_.size() <= nodesMax_) return {.isKept = true};
  const fuse_ino_t oldest = byAge_.back();
  byAge_.pop_back();
  nodes_.erase(oldest);
  return {.isKept = true, .displaced = oldest};
}

bool KeptHandles::drop(fuse_ino_t node) {
  std::lock_guard guard(mutex_);
  return dropLocked(node);
}

bool KeptHandles::dropChanged(fuse_ino_t node) {
  std::lock_guard guard(mutex_);
  epoch_++;
  return dropLocked(node);
}

bool KeptHandles::dropLocked(fuse_ino_t node) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return false;
  byAge_.erase(found->second);
  nodes_.erase(found);
  return true;
}

}  // namespace packetfs::fuse
