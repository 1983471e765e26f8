// Handles for reading that were closed and stay open in JavaScript, so that whoever opens the same file next needs no
// trip there: `grep -r` over a tree opens each file for one read, and mostly not even that (docs/design/0063). One for
// a node at most. A kept handle goes when its file is closed by a writer, when a peer changes the file, when the kernel
// forgets the node, and when others need the room; its owner then tells JavaScript of the release.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace packetfs::fuse {

class KeptHandles {
 public:
  explicit KeptHandles(std::size_t nodesMax = kNodesMax) : nodesMax_(nodesMax) {}

  /// Of the remote changes so far. A handle that is opened carries it, because one that was opened before a change must
  /// not serve who comes after it.
  [[nodiscard]] std::uint64_t epoch() const;

  /// The kept handle of the node becomes the caller's, with its epoch; nothing where none is kept.
  std::optional<std::uint64_t> take(fuse_ino_t node);

  /// What keeping a handle leaves to be released: that of another node, or of this one.
  struct Kept {
    bool isKept = false;
    std::optional<fuse_ino_t> displaced{};
  };
  /// Keeps a handle that was opened in `epoch`, unless something changed since or one is kept already.
  Kept keep(fuse_ino_t node, std::uint64_t epoch);

  /// True where a handle was kept, which is to be released now.
  bool drop(fuse_ino_t node);
  /// As drop, for what a peer changed.
  bool dropChanged(fuse_ino_t node);

 private:
  static constexpr std::size_t kNodesMax = 16384;  // about 1 KiB each, here and in JavaScript

  bool dropLocked(fuse_ino_t node);

  const std::size_t nodesMax_;
  mutable std::mutex mutex_{};
  std::uint64_t epoch_ = 0;
  std::list<fuse_ino_t> byAge_{};  // the newest first
  std::unordered_map<fuse_ino_t, std::list<fuse_ino_t>::iterator> nodes_{};
};

}  // namespace packetfs::fuse
