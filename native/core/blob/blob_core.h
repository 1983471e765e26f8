// The blob: logs of segments, the chunk index over all of them, and the append position. Locks, in the order in which
// they may be taken: sync, a log's write mutex, index, structure, a segment's own. No lock but a write mutex (and sync)
// is held during I/O.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "../chunk/chunk_index.h"
#include "blob.h"
#include "literal_frame.h"
#include "seed_index.h"
#include "segment.h"
#include "similar_chunks.h"
#include "write_back.h"

namespace packetfs {

constexpr std::size_t kLiteralRawBytesMax = 4U << 20;  // src/base/limits.ts, LITERAL_RAW_BYTES_MAX
constexpr std::size_t kLiteralChunksMax = 65536;
constexpr std::size_t kDeltaRawBytesMax = 256U << 10;

struct FoundChunk {
  BlobAddress address = kHole;
  TableRecord record{};
  std::shared_ptr<Segment> segment{};
};

class BlobCore final : public Blob {
 public:
  explicit BlobCore(BlobOptions options);
  ~BlobCore() override { close(); }

  Result<std::vector<SegmentState>> openLog(LogNumber log, const std::string& name) override;
  Status setAppendLog(LogNumber log) override;
  Result<ExtentList> ingest(std::uint64_t fileOffset, const std::uint8_t* bytes, std::size_t length) override;
  Result<std::size_t> ingestWindow(IngestCursor& cursor, const IngestWindow& window, ExtentList& extents) override;
  [[nodiscard]] const ChunkerParameters& chunker() const override { return options_.chunker; }
  [[nodiscard]] IngestTotals totals() const override;
  [[nodiscard]] IndexUsage index() const override;
  Status read(BlobAddress address, std::uint8_t* target, std::size_t length) override;
  Status readExtents(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint8_t* target,
                     std::size_t length) override;
  bool locateCached(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint64_t length,
                    std::size_t runsMax, std::vector<StoredRun>& runs) override;
  Result<ChunkRecord> chunkAt(BlobAddress address) override;
  Result<std::vector<PositionRange>> heldRanges(LogNumber log) override;
  bool holds(BlobAddress address, std::uint64_t length) override;
  Result<std::vector<HighWaterMark>> sync() override;
  [[nodiscard]] bool leavesReserve(std::uint64_t bytes) const override;
  bool isSynced() override;
  Result<Literal> packLiteral(LogNumber log, LogPosition start, LogPosition end, std::uint64_t rawBytesMax, int level,
                              std::span<const AddressRange> bases) override;
  [[nodiscard]] ReplacedStretch replacedBy(LogNumber log, LogPosition start, LogPosition end) const override;
  void noteReplaced(const ExtentList& fresh, const ExtentList& old) override;
  Result<bool> copyUnsynced(std::uint64_t bytesMax, const KeepCopy& keep) override;
  Result<Literal> storeLiteral(LogNumber log, const std::uint8_t* frame, std::size_t length, bool repair) override;
  Result<Literal> packRecipe(LogNumber log, LogPosition start, LogPosition end, std::uint64_t rawBytesMax) override;
  Result<FilledRecipe> storeRecipe(LogNumber log, const std::uint8_t* frame, std::size_t length) override;
  SeedIndex& seeds() override { return seeds_; }
  Result<std::uint64_t> checkOfRuns(const Extent* runs, std::size_t count) override;
  Result<ScrubOutcome> scrubSegment(LogNumber log, std::uint32_t segment) override;
  [[nodiscard]] std::vector<std::uint32_t> segmentsOf(LogNumber log) override;
  Result<IndexCheck> checkIndex() override;
  void close() override;

  // For the matcher (ingest.cc).
  [[nodiscard]] const BlobOptions& options() const { return options_; }
  /// A chunk with this hash, if one is held.
  std::optional<FoundChunk> findChunk(const Hash256& hash) const;
  /// The index does not know of every chunk.
  [[nodiscard]] bool isIndexThin() const;
  /// Where the last matched chunk ended, of whatever file; kHole: nowhere.
  std::atomic<BlobAddress>& lastMatched() { return lastMatched_; }
  /// The chunk that ends at an address, if one is held and may be matched.
  std::optional<FoundChunk> chunkEndingAt(BlobAddress address) const;
  /// The chunk that begins at an address, if one is held and may be matched.
  std::optional<FoundChunk> chunkStartingAt(BlobAddress address) const;
  /// Appends those that nobody has appended since; sets `addresses[i]`, and `matched[i]` where it was held already.
  Status appendChunks(std::span<ChunkBytes> chunks, std::vector<BlobAddress>& addresses, std::vector<bool>& matched);
  void count(const IngestTotals& more);
  Replacements& replacements() { return replacements_; }
  SimilarChunks& similarChunks() { return similarChunks_; }

 private:
  struct Log {
    LogNumber number = 0;
    std::string name{};
    std::string path{};
    Descriptor directory{};
    bool clean = true;
    std::mutex write{};
    std::map<std::uint32_t, std::shared_ptr<Segment>> segments{};  // guarded by structure
  };
  struct IndexedSegment {  // by the ordinal that index locations carry
    LogNumber log = 0;
    std::shared_ptr<Segment> segment{};
  };

  std::shared_ptr<Log> logOf(LogNumber log) const;
  std::shared_ptr<Segment> segmentAt(BlobAddress address) const;
  std::shared_ptr<Segment> segmentOf(const Log& log, std::uint32_t segment) const;
  Result<std::shared_ptr<Segment>> loadSegment(const Log& log, std::uint32_t segment) const;
  /// Creates the segment if it does not exist; the caller holds the log's write mutex.
  Result<std::shared_ptr<Segment>> segmentForWriting(Log& log, std::uint32_t segment);
  Result<std::shared_ptr<Segment>> segmentWithRoom(Log& log, std::uint32_t length);
  std::uint32_t adopt(Log& log, const std::shared_ptr<Segment>& segment);
  std::uint32_t ordinalOf(const Segment& segment) const;
  Status readStream(BlobAddress address, std::uint8_t* target, std::size_t length, bool& fromDisk) const;
  void prefetch(const Extent* extents, std::size_t count, std::uint64_t fileOffset) const;
  /// Of a segment; what has an offset and a hash.
  template <typename Chunk>
  void indexChunks(std::uint32_t ordinal, std::span<const Chunk> chunks);
  void compareTables(const std::vector<IndexedSegment>& segments, IndexCheck& check) const;
  bool compareEntries(IndexCheck& check) const;
  [[nodiscard]] bool othersAreSynced(LogNumber own) const;
  Status syncLog(Log& log, std::vector<HighWaterMark>& marks);
  Status refuseIfUnusable() const;
  static std::vector<TableRecord> chunksFrom(const Segment& segment, std::uint32_t start, std::uint64_t end,
                                             std::uint64_t rawBytesMax);
  /// ENOENT without records, EIO when a chunk is damaged.
  Result<LiteralContents> literalContents(const Log& log, const Segment& segment,
                                          std::span<const TableRecord> records) const;
  static std::vector<AddressRange> withinBounds(std::span<const AddressRange> bases);
  LiteralBase readBases(LogNumber frameLog, std::span<const AddressRange> bases);
  Status readBase(const Log& frameLog, const BaseRange& range, std::uint8_t* target);
  [[nodiscard]] std::optional<LogNumber> numberOf(const std::string& log) const;
  template <typename IsWanted>
  std::optional<FoundChunk> findChunkWhere(const Hash256& hash, const IsWanted& isWanted) const;
  /// A chunk whose hash begins so, if one is held.
  [[nodiscard]] std::optional<FoundChunk> findChunkLike(const RecipeHash& hash) const;
  /// Fills `target` with the chunk's bytes, from wherever they are here.
  std::optional<Hash256> fillChunk(const RecipeChunk& chunk, std::uint8_t* target) const;
  /// What other chunks may be like from now on, as peers will hold it: what was sent, or came.
  void sketchChunks(const LiteralContents& contents, LogNumber log);
  Status storeChunks(Segment& segment, std::span<const ChunkBytes> chunks, bool repair);

  BlobOptions options_;
  std::array<std::uint8_t, 8> chunkerId_{};

  std::mutex syncMutex_{};
  mutable std::shared_mutex indexMutex_{};
  ChunkIndex index_;
  mutable std::shared_mutex structureMutex_{};
  std::unordered_map<LogNumber, std::shared_ptr<Log>> logs_{};
  std::vector<IndexedSegment> bySegmentOrdinal_{};
  std::unordered_map<const Segment*, std::uint32_t> ordinals_{};

  std::atomic<std::uint32_t> appendLog_ = UINT32_MAX;
  std::atomic<bool> syncFailed_ = false;
  std::atomic<bool> closed_ = false;
  WriteBack writeBack_{};
  Replacements replacements_{};
  SimilarChunks similarChunks_{};
  SeedIndex seeds_;
  std::atomic<BlobAddress> lastMatched_ = kHole;
  std::atomic<BlobAddress> lastReplaced_ = kHole;  // where the old content of the file brought in last goes on
  std::atomic<std::uint64_t> ingestedBytes_ = 0, matchedBytes_ = 0, appendedBytes_ = 0, zeroBytes_ = 0;
};

}  // namespace packetfs
