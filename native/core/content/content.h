// The content of one open inode: base extents, dirty bytes over them, and what changed since the last patch. Every
// method but the constructor expects the mutex to be held: shared for reads, exclusive for the rest.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

#include "../journal/journal.h"
#include "content_store.h"
#include "dirty_map.h"
#include "extent_map.h"

namespace packetfs {

constexpr std::uint64_t kFileSizeMax = INT64_MAX;

class Content {
 public:
  /// Sequential runs of `streamRunBytes` are ingested while their writer goes on.
  Content(Blob& blob, std::uint64_t size, const ExtentList& extents, std::uint64_t streamRunBytes);

  std::shared_mutex& mutex() { return mutex_; }

  // Shared.
  Result<std::size_t> read(std::uint64_t offset, std::uint8_t* target, std::size_t length) const;
  /// The length of what read would give, and where it lies; see Blob::locateCached. Nothing while any byte is dirty.
  [[nodiscard]] std::optional<std::uint64_t> locateCached(std::uint64_t offset, std::uint64_t length,
                                                          std::size_t runsMax, std::vector<StoredRun>& runs) const;
  [[nodiscard]] Result<std::uint64_t> seek(std::uint64_t offset, int whence) const;
  [[nodiscard]] ContentState state() const;
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t dirtyBytes() const { return dirty_.bytes(); }
  [[nodiscard]] ExtentList extents(std::uint64_t start, std::uint64_t end) const { return base_.slice(start, end); }

  // A flight: a run of a long sequential write is ingested on another thread, without the mutex (docs/design/0055).
  // Until it has landed, only reads, and writes behind it, may go on; the rest waits first, with the lock it came with.
  struct Flight {
    IngestWindow window{};
    IngestCursor cursor{};
  };
  struct FlightOutcome {
    Result<std::size_t> consumed;
    ExtentList extents{};
  };
  [[nodiscard]] bool inFlight() const { return flight_.has_value(); }
  [[nodiscard]] bool mayWriteInFlight(std::uint64_t offset) const;
  void awaitLanding(std::unique_lock<std::shared_mutex>& lock);
  /// True once after a write that began a flight: somebody has to fly (without the mutex) and land (exclusive).
  bool takesOff() { return std::exchange(departing_, false); }
  FlightOutcome fly();
  void land(FlightOutcome outcome);

  // Exclusive, and landed.
  /// Takes the bytes; may begin a flight. After a failure it took none.
  Status write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t length);
  void truncate(std::uint64_t size);
  Status allocate(int mode, std::uint64_t offset, std::uint64_t length);
  /// Makes `extents`, which cover [offset, offset + length), the content there.
  void put(std::uint64_t offset, std::uint64_t length, const ExtentList& extents);
  void replace(std::uint64_t size, const ExtentList& extents);
  /// What is written into an empty file will be like these bytes.
  void resemble(const ExtentList& extents);
  /// As replace, where nothing is unsaved and what is here stays as it is, with more behind it; else false and nothing
  /// done. state() tells the old size until reveal().
  bool grow(std::uint64_t size, const ExtentList& extents);
  /// False when nothing was hidden.
  bool reveal();
  Status ingest();
  /// Of bytes that a journal holds too, none stays behind: the patch would undo them where the journal is done again.
  Result<bool> takePatch(ContentPatch& patch);
  /// The patch is in the journal once that has caught up more often than this.
  void notePatchTaken(std::uint64_t catchUps) { takenAtCatchUp_ = catchUps; }
  /// Everything that is not in the blob goes to the journal, as far as it is in none yet. False, and nothing is done,
  /// when that is more than `bytesMax` or than the disk has beyond its reserve, when there are changes that a patch has
  /// to take, or when whoever took the last one may not have it in the journal yet.
  Result<bool> journal(InodeNumber inode, Journal& journal, std::uint64_t bytesMax);
  /// The journal gets what the next patch will have, so that a close may be answered before that is taken. False, and
  /// nothing is done: bytes are unsaved, somebody has taken a patch that the journal may not have yet, it holds bytes
  /// that no patch has, or there are more than `extentsMax` extents.
  Result<bool> journalChanges(InodeNumber inode, Journal& journal, std::size_t extentsMax);
  /// As forgetModified. Nothing, and nothing is done, where a patch with the time of before may come to the journal
  /// yet.
  std::optional<ModifiedOverride> overrideModified(std::uint64_t catchUps);
  void undoOverride(const ModifiedOverride& override);
  /// What a journal holds for this content goes to the one that records go to now.
  Status journalAgain(InodeNumber inode, Journal& journal);
  /// Nothing is unsaved, and the last patch is in the journal, which has caught up so often.
  [[nodiscard]] bool isSettled(std::uint64_t catchUps) const {
    return !hasChanges() && dirty_.empty() && takenAtCatchUp_ != catchUps;
  }
  /// Unsaved bytes, and all of them are in a journal.
  [[nodiscard]] bool isWholeInJournal() const { return !dirty_.empty() && unjournaled_.empty() && !hasChanges(); }
  /// What a journal that follows a commit before this one holds, and no patch has taken.
  [[nodiscard]] bool isJournaledBefore(std::uint64_t commit) const { return journaledIn_ && *journaledIn_ < commit; }
  void forgetModified();
  void discard();

  /// Dirty bytes that the store's total already counts; for account() in content_store.cc.
  std::atomic<std::uint64_t> accountedBytes = 0;
  bool isDiscarded = false;

 private:
  static constexpr std::uint64_t kNoStream = UINT64_MAX;

  [[nodiscard]] bool isPrefixOf(std::uint64_t size, const ExtentList& extents) const;
  Status readMerged(std::uint64_t offset, std::uint8_t* target, std::size_t length) const;
  /// The first byte at or behind `offset` that is in no hole; the size, or more, when there is none.
  [[nodiscard]] std::uint64_t nextData(std::uint64_t offset) const;
  /// Where the dirty bytes or the extent at `offset`, whichever reaches further, end.
  [[nodiscard]] std::uint64_t dataEnd(std::uint64_t offset) const;
  void clearRange(std::uint64_t start, std::uint64_t end);
  [[nodiscard]] ContentPatch changes() const;
  static std::uint64_t nextTakes();
  void touch();
  void settle();
  void endStream();
  [[nodiscard]] bool hasChanges() const;

  // content_journal.cc
  Status appendWritten(InodeNumber inode, Journal& journal, const std::vector<ByteRange>& ranges);
  void forgetJournaled();

  // content_ingest.cc
  struct IngestProgress {
    std::vector<ByteRange> ranges{};
    ExtentList extents{};
  };
  [[nodiscard]] std::optional<ByteRange> streamEndingAt(std::uint64_t offset) const;
  Status beginFlight(ByteRange run);
  Status ingestGroup(ByteRange group, IngestProgress& progress);
  void apply(const IngestProgress& progress);
  [[nodiscard]] std::vector<ByteRange> groups() const;
  [[nodiscard]] IngestCursor freshCursor(std::uint64_t start) const;
  /// Where bytes at `offset` lie that are being replaced.
  [[nodiscard]] BlobAddress replacedAt(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t chunkStart(const Extent& extent, std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t chunkEnd(const Extent& extent, std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t widenLeft(ByteRange dirty) const;
  [[nodiscard]] std::uint64_t widenRight(std::uint64_t end) const;

  Blob& blob_;
  std::shared_mutex mutex_{};
  std::uint64_t size_ = 0;
  ExtentMap base_{};
  ExtentMap emptied_{};  // what a truncation to nothing took away, or a hint, until other bytes have been brought in
  DirtyMap dirty_{};
  IntervalSet replaced_{};         // in base_, not yet in a patch
  std::uint64_t settledSize_ = 0;  // size without what is only dirty: what a patch may show
  std::uint64_t takenSize_ = 0;    // size in the last patch
  bool touched_ = false;           // truncated or allocated, perhaps without another effect
  std::int64_t modifiedNs_ = 0;
  std::uint64_t overrides_ = 0;
  std::uint64_t takes_ = nextTakes();
  std::optional<std::uint64_t> takenAtCatchUp_{};
  IntervalSet unjournaled_{};  // written since the last record of it in a journal; perhaps not dirty any more
  IntervalSet journaled_{};    // in a journal, and in no patch
  std::optional<std::uint64_t> journaledIn_{};  // the commit that the oldest journal with some of it follows
  std::optional<std::uint64_t> shownSize_{};    // while a growth is hidden
  std::uint64_t streamPosition_ = kNoStream;    // a sequential run was ingested up to here, and this is a natural cut
  IngestCursor streamCursor_{};
  const std::uint64_t streamRunBytes_;
  std::optional<Flight> flight_{};
  bool departing_ = false;
  bool grounded_ = false;  // the last flight failed: the next one is flown by its writer, who gets the error
  std::condition_variable_any landed_{};
};

}  // namespace packetfs
