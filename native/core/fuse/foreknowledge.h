// What answers told of directories that the kernel asks for next, so that these requests need not go to JavaScript:
// what a directory's attributes are now (the kernel drops them with every change of a name, and asks on the next path
// through it), which names a directory does not have (the kernel looks a name up before it creates it, and drops what
// it knew of one that was removed); and which directories are small, so that the kernel may keep what they list
// (openDirectory in operations.cc). Invariants: a directory's attributes are known only from the answer to the last
// request that may have changed it, in the order in which those requests were queued; a name is missing only where no
// request queued later may have made it; and both only until a remote change.
#pragma once
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace packetfs::fuse {

/// Inodes whose attributes a request may change, the name that the last of them may get, and the one that the first of
/// them may lose.
struct DirectoryChange {
  std::initializer_list<fuse_ino_t> inodes;
  std::string_view newName{};
  std::string_view removedName{};
  /// Whether the answer tells the attributes as they are then.
  bool answerTells = true;
};

/// A name in a directory, by its hash.
struct DirectoryName {
  fuse_ino_t directory = 0;
  std::uint64_t hash = 0;
};

/// What the answer to a queued request may teach.
struct ChangeNote {
  std::uint64_t number = 0;                // in the order of the queue; 0: it changes nothing that is known here
  std::optional<DirectoryName> made{};     // may be there when it is answered
  std::optional<DirectoryName> missing{};  // is not there any more where the answer says so
};

/// A file that is being made: the attributes of its directory before, and the number of the change.
struct NewFile {
  struct stat directory {};
  std::uint64_t change = 0;
};

class Foreknowledge {
 public:
  Foreknowledge();

  /// `push` queues the request that makes the change, with what its answer may teach. Under the lock: what is learned
  /// belongs to the last in the order of the queue.
  template <typename Push>
  void changing(const DirectoryChange& change, Push push) {
    std::lock_guard guard(mutex_);
    changes_++;
    push(note(change));
  }
  /// Nothing where the directory surely has no such name; else what a negative answer to the look-up may teach, if it
  /// is queued from now on.
  [[nodiscard]] std::optional<ChangeNote> lookingUp(fuse_ino_t directory, std::string_view name) const;

  /// Before a whole listing is asked for: what its answer may teach.
  [[nodiscard]] ChangeNote listing(fuse_ino_t directory);

  /// For what a peer changed, and what the kernel forgets.
  void forget(fuse_ino_t inode);
  /// For what a request changed that did not name it; of a directory that was moved, `..` too.
  void forgetAttributes(fuse_ino_t inode);

  /// The attributes as they were after this change; nothing is known any more when something changed them since, or
  /// when the change was not one of this directory alone.
  void learnAttributes(const struct stat& attributes, std::uint64_t change);
  [[nodiscard]] std::optional<struct stat> directory(fuse_ino_t inode) const;

  /// A directory that has just been made has no names, and is small. `isPlain`: see learnPlain.
  void learnNew(const struct stat& directory, bool isPlain);
  /// After this change, if it is the last one, the directory has no access list for what is made in it.
  void learnPlain(fuse_ino_t directory, std::uint64_t change);
  /// A file is about to be made, without JavaScript, under a name that the directory surely never had; nothing where
  /// not all is known that decides what comes of it. Until it is said how that ended, the directory's attributes are
  /// not known.
  [[nodiscard]] std::optional<NewFile> makingFile(fuse_ino_t directory, std::string_view name);
  void fileMade(const NewFile& file, const struct timespec& now);
  void fileNotMade(const NewFile& file);
  /// The whole listing of the directory took so many bytes of a getdents(2) buffer after this change; 0: it is not
  /// small.
  void learnListing(fuse_ino_t directory, std::size_t bytes, std::uint64_t change);
  /// It fits the smallest of these buffers, with whatever names were made since.
  [[nodiscard]] bool isSmall(fuse_ino_t directory) const;
  /// The request that may have made the name is answered, however it ended.
  void learnMade(const DirectoryName& name);
  /// The name was missing after this change, for all that was queued before it.
  void learnMissing(const DirectoryName& name, std::uint64_t change);

 private:
  struct Name {
    std::uint64_t lastMade = 0;  // the last change that may have made it
    bool missing = false;
  };

  struct Directory {
    std::uint64_t lastChange = 0;
    std::optional<struct stat> attributes{};
    std::optional<std::size_t> listingBytes{};        // at most, of a small directory
    std::uint64_t namesSince = 0;                     // which changes of names are in `names`
    bool isComplete = false;                          // a name that is not in `names` is missing
    bool isPlain = false;                             // what is made in it gets no access list
    std::unordered_map<std::uint64_t, Name> names{};  // by hash
  };

  ChangeNote note(const DirectoryChange& change);
  void noteName(const DirectoryName& name, std::size_t nameBytes);
  /// Of a directory of which all is known, and that never had the name; else null.
  [[nodiscard]] Directory* whereNameIsNew(const DirectoryName& name);
  void makeRoomForName();
  Directory& directoryOf(fuse_ino_t inode);
  /// True only if the directory surely has no such name.
  [[nodiscard]] bool lacks(const DirectoryName& name) const;
  [[nodiscard]] DirectoryName nameIn(fuse_ino_t directory, std::string_view name) const;

  std::array<unsigned char, 16> hashKey_{};
  mutable std::mutex mutex_{};
  std::uint64_t changes_ = 0;
  std::size_t namesCount_ = 0;  // in all directories
  std::unordered_map<fuse_ino_t, Directory> directories_{};
};

}  // namespace packetfs::fuse
