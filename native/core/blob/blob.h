// The blob of one node (DESIGN §1, §3; docs/format/blob.md): every log's segments, their chunk tables and the chunk
// index. Thread-safe. Append goes to one log, the node's own; literals of peers are stored at their peers' positions.
// Data bytes are pwritten without sync; sync() makes them durable before anything may refer to them.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../base/address.h"
#include "../base/result.h"
#include "../chunk/chunker.h"
#include "../chunk/hash.h"
#include "replacements.h"

namespace packetfs {

class SeedIndex;

struct BlobOptions {
  std::string directory{};  // <state>/blob
  std::array<std::uint8_t, 16> volumeId{};
  ChunkKey identityKey{};
  ChunkerParameters chunker{};
  std::uint64_t reserveBytes = 0;            // of the disk, left free by data for what tells where data is
  std::uint64_t indexBytesMax = UINT64_MAX;  // of the chunk index
};

struct SegmentState {  // what opening a segment found
  std::uint32_t segment = 0;
  std::uint32_t records = 0;    // table slots up to the last valid record
  std::uint64_t dataBytes = 0;  // end of the last valid record's bytes
  bool sealed = false;
  bool torn = false;     // unsynced writes were lost and cut off (normal after an unclean stop)
  bool corrupt = false;  // a bad record that had been synced: quarantined, see scrub
};

struct HighWaterMark {
  LogNumber log = 0;
  std::uint32_t segment = 0;
  std::uint32_t records = 0;
  std::uint64_t dataBytes = 0;
};

struct ChunkRecord {
  BlobAddress address = 0;
  std::uint32_t length = 0;
  Hash256 hash{};
};

struct PositionRange {  // [start, end) within a log; never crosses a segment
  LogPosition start = 0;
  LogPosition end = 0;
};

/// Bytes of a file to bring in. `lookahead` bytes follow `length` in memory; they are not consumed, only seen by the
/// chunker. Final: all of it is consumed, the last chunk may be short. Else only up to the last cut that no further
/// bytes can change, so that chunking does not depend on how a stream was sliced.
struct IngestWindow {
  std::uint64_t fileOffset = 0;
  const std::uint8_t* bytes = nullptr;
  std::size_t length = 0;
  std::size_t lookahead = 0;
  bool final = true;
};

/// Carries from one window of a stream to the next what the stored bytes before it lead to expect.
struct IngestCursor {
  BlobAddress successor = kHole;
  ReplacementTracker replacing{};
  /// Before this file offset nothing is predicted: chunks there were cut by an end that is no longer one.
  std::uint64_t predictFrom = 0;
};

struct IndexUsage {
  std::uint64_t chunks = 0, memoryBytes = 0;
  std::uint32_t oneIn = 1;  // it keeps one in so many chunks
};

struct IngestTotals {  // for metrics
  std::uint64_t bytes = 0, matchedBytes = 0, appendedBytes = 0, zeroBytes = 0;
};

/// Bytes that lie together in a file below, which stays open as long as this.
struct StoredRun {
  std::shared_ptr<const void> owner{};
  int fd = -1;
  std::uint64_t offset = 0, length = 0;
};

class Blob {
 public:
  static Result<std::shared_ptr<Blob>> open(BlobOptions options);
  virtual ~Blob() = default;

  /// Opens (or creates) the log directory `name` under local number `log`; loads tables and fills the index.
  virtual Result<std::vector<SegmentState>> openLog(LogNumber log, const std::string& name) = 0;
  /// New chunks are appended to this log from now on (the node's own, of this epoch). EROFS when a segment of it was
  /// torn or corrupt at opening: such a log is not continued.
  virtual Status setAppendLog(LogNumber log) = 0;

  /// Cuts, hashes, matches and appends: zero pages become holes, known chunks become references. `fileOffset` only
  /// labels the result. The whole of bytes[0, length) is consumed (the last chunk may be short).
  virtual Result<ExtentList> ingest(std::uint64_t fileOffset, const std::uint8_t* bytes, std::size_t length) = 0;
  /// As ingest, window by window of a stream; appends to `extents` and returns how many bytes were consumed.
  virtual Result<std::size_t> ingestWindow(IngestCursor& cursor, const IngestWindow& window, ExtentList& extents) = 0;
  [[nodiscard]] virtual const ChunkerParameters& chunker() const = 0;
  [[nodiscard]] virtual IngestTotals totals() const = 0;
  [[nodiscard]] virtual IndexUsage index() const = 0;

  /// Fills `target` from one address run; short data is an error (EIO).
  virtual Status read(BlobAddress address, std::uint8_t* target, std::size_t length) = 0;
  /// Gather-read of [fileOffset, fileOffset + length) into one buffer; holes and what no extent covers become zeros.
  virtual Status readExtents(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint8_t* target,
                             std::size_t length) = 0;

  /// Where the bytes of [fileOffset, fileOffset + length) lie. False when some are in a hole, not held or not in the
  /// page cache (its end is asked), or when they lie in more than `runsMax` runs.
  virtual bool locateCached(const Extent* extents, std::size_t count, std::uint64_t fileOffset, std::uint64_t length,
                            std::size_t runsMax, std::vector<StoredRun>& runs) = 0;

  /// The chunk that holds an address (nullptr-like failure ENOENT when none does).
  virtual Result<ChunkRecord> chunkAt(BlobAddress address) = 0;
  /// Held ranges of a log, sorted and coalesced.
  virtual Result<std::vector<PositionRange>> heldRanges(LogNumber log) = 0;
  /// True when every byte of [address, address + length) is held.
  virtual bool holds(BlobAddress address, std::uint64_t length) = 0;

  /// fdatasync of every touched data file and table (and directory of a new one); the marks then durable, per segment
  /// touched since the last call. After a failure this process stores nothing more (EIO) and every later sync fails:
  /// the kernel may have dropped the bytes, so only opening again tells what is on disk.
  virtual Result<std::vector<HighWaterMark>> sync() = 0;
  /// Whether so many bytes more, somewhere in the state directory, leave the disk its reserve.
  [[nodiscard]] virtual bool leavesReserve(std::uint64_t bytes) const = 0;
  /// True when a sync would have nothing to do. Never waits: false also while somebody appends or syncs.
  virtual bool isSynced() = 0;

  /// Literal frames (docs/format/wire.md, Literal): the whole chunks that [start, end) touches, from the one that holds
  /// `start` on up to the first gap; at least one, else at most rawBytesMax. Level 0 does not compress. ENOENT when
  /// `start` is not held.
  struct Literal {
    std::vector<std::uint8_t> frame{};
    LogPosition start = 0, end = 0;
    std::uint64_t rawBytes = 0;
    std::uint32_t chunks = 0;
    bool isDelta = false;
    double packMs = 0;  // how long packing took
  };
  /// `bases`: held here and by the reader, so that the frame may be a delta to them; then it holds at most 256 KiB.
  /// Where that gains little the frame is packed without, and in the end replacedBy tells of these no more.
  virtual Result<Literal> packLiteral(LogNumber log, LogPosition start, LogPosition end, std::uint64_t rawBytesMax,
                                      int level, std::span<const AddressRange> bases = {}) = 0;
  /// The stretch from `start` on, at most to `end`, that replaced other bytes of the blob, and where those lie (held
  /// here); or, without `old`, the stretch up to the next that did.
  struct ReplacedStretch {
    LogPosition end = 0;
    std::vector<AddressRange> old{};
  };
  [[nodiscard]] virtual ReplacedStretch replacedBy(LogNumber log, LogPosition start, LogPosition end) const = 0;
  /// A file with these extents took the name of one with those: hints for replacedBy.
  virtual void noteReplaced(const ExtentList& fresh, const ExtentList& old) = 0;
  /// What the own log has that is neither durable nor in an earlier such copy is given to `keep` as literals without
  /// compression; once those are durable, no sync is needed for it. False, and nothing is given, when it is more than
  /// `bytesMax`, or when another log waits for a sync. `keep` is not called for nothing; its failure is returned.
  using KeepCopy = std::function<Status(LogNumber log, std::span<const Literal> literals)>;
  virtual Result<bool> copyUnsynced(std::uint64_t bytesMax, const KeepCopy& keep) = 0;
  /// Unpacks, hashes each chunk, verifies the frame's check, stores data and records, feeds the index. Chunks already
  /// held are skipped. `repair` rewrites held chunks whose bytes on disk no longer match their record. EBADMSG: the
  /// frame is malformed, of another log, or contradicts what is held; nothing was changed.
  virtual Result<Literal> storeLiteral(LogNumber log, const std::uint8_t* frame, std::size_t length, bool repair) = 0;

  /// Recipe frames (docs/format/wire.md, Recipe): the hashes of the chunks that a literal would hold. `frame` is all
  /// that differs from it. ENOENT when `start` is not held.
  virtual Result<Literal> packRecipe(LogNumber log, LogPosition start, LogPosition end, std::uint64_t rawBytesMax) = 0;
  struct FilledRecipe {
    LogPosition start = 0, end = 0;
    std::uint64_t filledBytes = 0;         // found elsewhere here and stored now
    std::vector<PositionRange> missing{};  // neither found nor held before; sorted, coalesced
  };
  /// Stores those of a recipe's chunks whose bytes the blob has at other positions, or a seeded file has. EBADMSG as
  /// for a literal.
  virtual Result<FilledRecipe> storeRecipe(LogNumber log, const std::uint8_t* frame, std::size_t length) = 0;
  virtual SeedIndex& seeds() = 0;

  /// First 8 bytes (LE) of the BLAKE3 over the hashes of all chunks that the runs touch, in order; ENOENT when one is
  /// not held. docs/format/wire.md, Check.
  virtual Result<std::uint64_t> checkOfRuns(const Extent* runs, std::size_t count) = 0;

  /// Reads one segment past the page cache (O_DIRECT where it works) and verifies table and data.
  struct ScrubFinding {
    BlobAddress address = 0;
    std::uint64_t length = 0;
    std::string reason{};  // "data" | "record" | "missing"
  };
  struct ScrubOutcome {
    std::uint64_t bytes = 0;
    std::uint32_t chunks = 0;
    std::vector<ScrubFinding> findings{};
  };
  virtual Result<ScrubOutcome> scrubSegment(LogNumber log, std::uint32_t segment) = 0;
  [[nodiscard]] virtual std::vector<std::uint32_t> segmentsOf(LogNumber log) = 0;

  /// Chunk index against chunk tables: every chunk is found by its hash, every entry names a chunk with that hash.
  struct IndexCheck {
    std::uint64_t chunks = 0, entries = 0;
    std::uint64_t dropped = 0;                // chunks that found no place, which only costs matches
    std::vector<BlobAddress> missing{};       // chunks that the index does not find
    std::vector<BlobAddress> contradicted{};  // where entries point that name no such chunk
  };
  virtual Result<IndexCheck> checkIndex() = 0;

  virtual void close() = 0;
};

}  // namespace packetfs
