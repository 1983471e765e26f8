// The content of open inodes: extents plus dirty bytes in memory (docs/design/0002). The FUSE session reads and writes
// here on its own threads; JavaScript opens an inode, takes what changed as a patch and commits it. Thread-safe; each
// inode has its own lock, taken before the blob's.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "../base/address.h"
#include "../base/result.h"
#include "../blob/blob.h"
#include "../journal/journal.h"

namespace packetfs {

using InodeNumber = std::uint64_t;

struct ContentState {
  std::uint64_t size = 0;
  std::int64_t modifiedNs = 0;       // wall time of the last write not yet taken, 0: none
  std::uint64_t allocatedBytes = 0;  // sum of non-hole extents and dirty bytes
  bool dirty = false;
  std::uint64_t extents = 0;  // in the blob
  /// Another number, of all contents, after each patch, replacement, opening and explicit time.
  std::uint64_t takes = 0;
};

/// What changed since the last take: replacement for each range of the file, and the size.
struct ContentPatch {
  std::uint64_t size = 0;
  std::int64_t modifiedNs = 0;
  std::uint64_t overrides = 0;  // ContentStore::overrideModified was called so often before
  struct Range {
    std::uint64_t offset = 0, length = 0;
    ExtentList extents{};  // covers the range; holes explicit
  };
  std::vector<Range> ranges{};
};

/// An explicit time, see ContentStore::overrideModified.
struct ModifiedOverride {
  std::uint64_t number = 0;     // of this content, from 1 on
  std::int64_t previousNs = 0;  // what was overridden
  std::uint64_t takes = 0;      // ContentState::takes since
};

class ContentStore {
 public:
  /// Sequential runs of more than `streamRunBytes` are brought into the blob while their writer goes on.
  static constexpr std::uint64_t kStreamRunBytes = 1ULL << 20;
  static std::shared_ptr<ContentStore> create(std::shared_ptr<Blob> blob, std::uint64_t dirtyBytesMax,
                                              std::uint64_t streamRunBytes = kStreamRunBytes);
  virtual ~ContentStore() = default;

  /// Makes an inode's content known; counts references. Extents of an inode that is already open are left alone.
  virtual void open(InodeNumber inode, std::uint64_t size, ExtentList extents) = 0;
  /// Drops a reference; the last one forgets the content (dirty bytes not taken are lost: take first).
  virtual void close(InodeNumber inode) = 0;
  [[nodiscard]] virtual bool isOpen(InodeNumber inode) const = 0;
  /// A remote change was applied: new base; unsaved local dirty ranges stay on top. No effect when not open.
  virtual void replace(InodeNumber inode, std::uint64_t size, ExtentList extents) = 0;

  /// A file without content will be like what has these extents: a hint for sending it. No effect on any other.
  virtual void resemble(InodeNumber inode, const ExtentList& extents) = 0;
  /// As replace, where nothing is unsaved and the new content begins with all of the old; else false and nothing done.
  /// `state` tells the old size until `reveal`: the kernel must first drop the page that the old end was in, or a
  /// reader would see zeros behind it.
  virtual bool grow(InodeNumber inode, std::uint64_t size, ExtentList extents) = 0;
  /// False when no size was hidden.
  virtual bool reveal(InodeNumber inode) = 0;

  /// Bytes read, short at end of file. EBADF when not open (as for all below).
  virtual Result<std::size_t> read(InodeNumber inode, std::uint64_t offset, std::uint8_t* target,
                                   std::size_t length) = 0;
  /// Where the bytes that read would give lie, and how many they are; nothing when they have to be read instead: not
  /// all of them are in the blob and in the page cache, or they lie in more than `runsMax` runs.
  virtual std::optional<std::uint64_t> locateCached(InodeNumber inode, std::uint64_t offset, std::uint64_t length,
                                                    std::size_t runsMax, std::vector<StoredRun>& runs) = 0;
  /// Writes into memory; sequential runs are ingested on the way (this is the back-pressure).
  virtual Status write(InodeNumber inode, std::uint64_t offset, const std::uint8_t* bytes, std::size_t length) = 0;
  virtual Status truncate(InodeNumber inode, std::uint64_t size) = 0;
  /// fallocate(2): 0, KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE, ZERO_RANGE[|KEEP_SIZE]; else EOPNOTSUPP.
  virtual Status allocate(InodeNumber inode, int mode, std::uint64_t offset, std::uint64_t length) = 0;
  /// SEEK_DATA / SEEK_HOLE; ENXIO past the end.
  virtual Result<std::uint64_t> seek(InodeNumber inode, std::uint64_t offset, int whence) = 0;
  /// Copies extents, no bytes move (dirty source bytes are ingested first). Returns the length copied.
  virtual Result<std::uint64_t> copyRange(InodeNumber from, std::uint64_t fromOffset, InodeNumber to,
                                          std::uint64_t toOffset, std::uint64_t length) = 0;

  /// Brings all dirty bytes of the inode into the blob (heavy: cut, hash, append); what follows is takePatch.
  virtual Status ingest(InodeNumber inode) = 0;
  /// Drains what has been ingested, truncated or punched since the last take. False when nothing changed. Ingests first
  /// what an fsync has left to the journal.
  virtual Result<bool> takePatch(InodeNumber inode, ContentPatch& patch) = 0;
  virtual Result<ContentState> state(InodeNumber inode) const = 0;
  /// An explicit utimens came after the last write: its mtime must win.
  virtual void forgetModified(InodeNumber inode) = 0;
  /// From now on fsync goes by this journal, where that holds what is to be durable in at most `bytesMax` of written
  /// bytes and as much of the blob.
  virtual void useJournal(std::shared_ptr<Journal> journal, std::uint64_t bytesMax) = 0;
  /// Calls `done` with true once everything that the inode (which need not be open) and the journal got before the call
  /// is durable, at once with false where only a commit helps. `done` may come on another thread.
  virtual void makeDurable(InodeNumber inode, std::function<void(bool)> done) = 0;
  /// A close may be answered: nothing of the inode is anywhere but in the namespace and the journal. A patch that was
  /// taken is in neither until the journal has caught up.
  [[nodiscard]] virtual bool isSafe(InodeNumber inode) const = 0;
  /// There are unsaved bytes, and the journal has all of them.
  [[nodiscard]] virtual bool isWholeInJournal(InodeNumber inode) const = 0;
  /// The journal of useJournal; null before.
  [[nodiscard]] virtual std::shared_ptr<Journal> journal() const = 0;
  /// What has been ingested since the last take is in the journal too, as a change of this inode, so that it may be
  /// taken later. False where that cannot be, and JavaScript has to take it first. Waits for nobody who works on the
  /// content.
  virtual bool journalChanges(InodeNumber node, InodeNumber inode) = 0;
  /// As forgetModified, by somebody who has not taken what was written. A patch with a time of writing and this number
  /// of overrides, or more, has what was written after it. Nothing, and nothing is done, where the time of before may
  /// come to the journal yet, or somebody works on the content.
  virtual std::optional<ModifiedOverride> overrideModified(InodeNumber inode) = 0;
  /// The explicit time was not set after all.
  virtual void undoOverride(InodeNumber inode, const ModifiedOverride& override) = 0;
  /// Inodes with bytes that a journal holds, of before this commit, and no patch has taken.
  [[nodiscard]] virtual std::vector<InodeNumber> journaledBefore(std::uint64_t commit) const = 0;
  /// Has the journal that is written now hold them; what was closed meanwhile needs that no more.
  virtual Status journalAgain(InodeNumber inode) = 0;
  /// Inodes with changes not yet taken.
  [[nodiscard]] virtual std::vector<InodeNumber> dirtyInodes() const = 0;
  [[nodiscard]] virtual std::uint64_t dirtyBytes() const = 0;
};

}  // namespace packetfs
