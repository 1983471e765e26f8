// What the kernel asks about files again and again, and JavaScript has answered before: the attributes of an open file
// (a database asks for its size and times with every transaction; what was written since, the content store knows), and
// that a file has no capabilities (asked before the first write after each change of attributes) and no access list (of
// the mount's root the kernel keeps none, and asks for each path that somebody else than its owner walks). Invariants:
// a thing is known only from the answer to a request after which none that may change it was queued, and until one is,
// or until JavaScript takes a version, or a remote change. A directory's attributes: foreknowledge.h.
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace packetfs::fuse {

/// Extended attributes that the kernel asks for by itself, and that most files do not have.
enum class AskedAttribute : std::uint8_t { capabilities, accessList };
inline constexpr std::size_t kAskedAttributes = 2;

/// Of a queued request: which file it is about, and how many that may change it were queued before. Inode 0: none.
struct FileNote {
  fuse_ino_t inode = 0;
  std::uint32_t changes = 0;
  bool isChange = false;
  std::optional<AskedAttribute> asked{};  // an extended attribute that it asks for
};

class KnownFiles {
 public:
  struct Attributes {
    fuse_ino_t node = 0;
    struct stat attributes {};
    std::uint64_t takes = 0;  // ContentState::takes when they were told
  };

  /// Before a request that asks about the file is queued.
  [[nodiscard]] FileNote asking(fuse_ino_t inode, std::optional<AskedAttribute> asked = {}) const;
  /// Before a request that may change it is queued: nothing is known until it is answered.
  FileNote changing(fuse_ino_t inode);

  /// The file is open, and these are its attributes.
  void learnAttributes(const FileNote& note, const Attributes& told);
  [[nodiscard]] std::optional<Attributes> attributes(fuse_ino_t node) const;
  /// The file has just been made through this mount, and is open: nobody else has changed it.
  void learnMade(fuse_ino_t inode);
  /// The attributes of one that was made so and is still open since, if they are known.
  [[nodiscard]] std::optional<Attributes> madeFile(fuse_ino_t node) const;
  /// A request that did not name it changed it.
  void forgetAttributes(fuse_ino_t inode);
  /// A request failed half-way.
  void forgetAllAttributes();

  /// There is no such attribute as the note asks for.
  void learnAbsence(const FileNote& note);
  [[nodiscard]] bool isAbsent(fuse_ino_t inode, AskedAttribute attribute) const;

  /// For what a peer changed, what is closed, and what the kernel forgets.
  void forget(fuse_ino_t inode);

 private:
  static constexpr std::size_t kCounters = 1024;

  /// Inodes without one of the attributes.
  struct Absences {
    std::unordered_set<fuse_ino_t> inodes{};
    std::unordered_set<fuse_ino_t> older{};  // what the other was before it was last full
  };

  [[nodiscard]] bool isLast(const FileNote& note) const;

  mutable std::mutex mutex_{};
  std::array<std::uint32_t, kCounters> changes_{};  // by a hash of the inode: who shares one is learned less often
  std::unordered_map<fuse_ino_t, Attributes> attributes_{};
  std::unordered_set<fuse_ino_t> made_{};
  std::array<Absences, kAskedAttributes> absences_{};
};

}  // namespace packetfs::fuse
