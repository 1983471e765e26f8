// One segment of a log: its data file, its chunk table (docs/format/blob.md), and in memory the sorted starts of its
// chunks with their table slots. Lookups are thread-safe. What changes files (append, place, repair, freeze) is called
// by one thread at a time: the caller holds the log's write mutex. A chunk becomes visible after its data and record
// are written.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../base/file.h"
#include "../base/result.h"
#include "table_format.h"

namespace packetfs {

struct ChunkBytes {  // a chunk about to be stored
  const std::uint8_t* bytes = nullptr;
  std::uint32_t offset = 0;  // logical offset; chosen by the segment on append
  std::uint32_t length = 0;
  Hash256 hash{};
  std::uint32_t dataCrc = 0;
};

struct SegmentMark {
  std::uint32_t records = 0;
  std::uint32_t dataBytes = 0;
};

class Segment {
 public:
  struct Place {
    std::string path{};  // without .data or .chunks
    TableIdentity identity{};
    ChunkKey identityKey{};
    std::uint32_t chunkBytesMax = 0;
    std::uint64_t reserveBytes = 0;
  };
  struct Findings {
    bool torn = false;
    bool corrupt = false;
  };
  using OffsetRange = std::pair<std::uint32_t, std::uint32_t>;  // [start, end)

  /// Opens both files, creating what does not exist, and checks every record.
  static Result<std::shared_ptr<Segment>> open(Place place);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] std::uint32_t number() const { return place_.identity.segment; }
  [[nodiscard]] Findings findings() const { return findings_; }
  [[nodiscard]] bool sealed() const { return sealed_.load(); }
  [[nodiscard]] SegmentMark mark() const;
  [[nodiscard]] const Place& place() const { return place_; }

  // Lookups.
  bool chunkAt(std::uint32_t offset, TableRecord& record) const;          // the chunk that holds this byte
  bool chunkStartingAt(std::uint32_t offset, TableRecord& record) const;  // the chunk that begins here
  /// As chunkStartingAt, and new data may refer to it: false for what a failed sync left in doubt.
  bool matchableChunkAt(std::uint32_t offset, TableRecord& record) const;
  /// True when a chunk begins and ends like this but its record cannot be read any more.
  [[nodiscard]] bool isDamagedChunk(std::uint32_t offset, std::uint32_t length) const;
  [[nodiscard]] bool covers(std::uint32_t offset, std::uint64_t length) const;
  [[nodiscard]] bool touches(std::uint32_t offset, std::uint64_t length) const;  // is any byte of it held
  [[nodiscard]] std::vector<OffsetRange> coverage() const;
  /// The parts of [offset, offset + length) that are held.
  [[nodiscard]] std::vector<OffsetRange> coverageWithin(std::uint32_t offset, std::uint64_t length) const;
  [[nodiscard]] std::vector<TableRecord> chunks() const;  // by offset
  struct Start {
    std::uint32_t offset = 0;
    std::uint32_t slot = 0;
  };
  [[nodiscard]] std::vector<Start> starts() const;
  /// Fails with EIO where bytes are not held.
  Status readData(std::uint32_t offset, std::uint8_t* target, std::size_t length) const;
  /// The same; sets `fromDisk` when the page cache did not have it all.
  Status readData(std::uint32_t offset, std::uint8_t* target, std::size_t length, bool& fromDisk) const;
  /// Of the data file, for bytes that it covers; open as long as the segment.
  [[nodiscard]] int dataFd() const { return data_.fd(); }
  /// Lets the kernel read ahead; nothing waits for it.
  void prefetch(std::uint32_t offset, std::size_t length) const;

  // Changes.
  [[nodiscard]] bool hasRoom(std::uint32_t length, std::size_t records = 1) const;
  /// Back to back at the end of the data; sets each chunk's offset. On failure nothing is recorded.
  Status append(std::span<ChunkBytes> chunks);
  /// At their own offsets (none of them held). On failure nothing is recorded.
  Status place(std::span<const ChunkBytes> chunks);
  [[nodiscard]] bool canPlace(std::size_t records) const;
  /// ENOSPC when this many bytes more would take the disk's reserve.
  [[nodiscard]] Status leaveReserve(std::uint64_t length) const;
  /// Rewrites data and record of a chunk that begins at chunk.offset where they differ from what they should be.
  Status repair(const ChunkBytes& chunk);
  void stopAppending() { full_ = true; }
  /// Whole pages appended since the last call, once they are many: nothing writes to them again.
  std::optional<OffsetRange> takeFilledPages();

  // Durability: freeze and rememberDurable under the write mutex, makeDurable between them and outside of it.
  [[nodiscard]] bool touched() const { return touched_; }
  /// True until what was stored is durable.
  [[nodiscard]] bool awaitsSync() const { return touched_ || freezeIsPending_; }
  /// What is not durable and in no copy yet; the caller holds the write mutex, also for noteCopied.
  [[nodiscard]] std::vector<OffsetRange> uncopied() const;
  void noteCopied();
  [[nodiscard]] bool takeNew() { return std::exchange(isNew_, false); }
  SegmentMark freeze();
  Status makeDurable();
  Status rememberDurable(SegmentMark mark);
  /// Writes the footer if the segment is full and all of it is durable.
  Status sealIfFull();
  void releasePreallocation();
  /// Lets the disk begin with these bytes, and now and then waits until it has them; by one thread at a time, beside
  /// everything else. A failure is told by makeDurable.
  void writeBack(OffsetRange range);

 private:
  explicit Segment(Place place) : place_(std::move(place)) {}
  Status openFiles();
  Status load();
  struct LoadedSlots;
  Status readSlots(LoadedSlots& slots);
  void rejectOverlaps(LoadedSlots& slots) const;
  void verifyUnsynced(LoadedSlots& slots) const;
  Status classify(LoadedSlots& slots);
  Status closeGaps(LoadedSlots& slots, std::uint32_t& count);
  Status lowerSyncMark(std::uint32_t slot);
  Status preallocate(std::uint32_t end);
  [[nodiscard]] bool leavesReserve(std::uint64_t length) const;
  Status writeData(std::span<const ChunkBytes> chunks);
  Status writeRecords(std::span<const std::uint8_t> records, std::span<const std::uint32_t> slots, std::size_t reused);
  void noteUncopied(std::span<const ChunkBytes> chunks);
  void publish(std::span<const ChunkBytes> chunks, std::span<const std::uint32_t> slots);
  void cover(std::uint32_t start, std::uint32_t end);
  bool recordInSlot(std::uint32_t slot, TableRecord& record) const;
  const Start* startAtOrBefore(std::uint32_t offset) const;

  Place place_;
  Descriptor data_{};
  Descriptor table_{};
  const std::uint8_t* mapped_ = nullptr;  // the table, read-only; valid up to the last visible slot
  Findings findings_{};

  mutable std::shared_mutex mutex_{};  // guards the four below
  std::vector<Start> starts_{};
  std::map<std::uint32_t, std::uint32_t> coverage_{};  // start to end, coalesced
  std::uint32_t slots_ = 0;
  std::uint32_t dataEnd_ = 0;

  std::vector<std::uint32_t> freeSlots_{};   // invalid ones, to be filled again
  std::uint32_t refilledFrom_ = UINT32_MAX;  // lowest slot filled again since freeze
  std::uint64_t allocatedTo_ = 0;
  std::uint32_t takenPagesEnd_ = 0;
  std::uint32_t flushedEnd_ = 0;  // by writeBack
  std::mutex flushMutex_{};       // held by writeBack while it flushes; guards the next
  int flushError_ = 0;
  std::vector<OffsetRange> uncopied_{};        // since the last freeze
  std::vector<OffsetRange> uncopiedFrozen_{};  // before it
  bool freezeIsPending_ = false;
  bool touched_ = false;
  bool isNew_ = false;
  bool full_ = false;
  std::atomic<bool> sealed_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint32_t> syncedSlots_ = 0;
};

}  // namespace packetfs
