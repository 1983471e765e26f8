// Brings one window of a file into the blob (DESIGN §3, Matching): zero pages, successor prediction, cutting, hashing,
// look-up, append. Each step decides as if every new chunk were appended at once, so the result does not depend on
// where windows or batches end; with a thin index (docs/design/0087) what is found does, the cuts of what is new do
// not.
#pragma once
#include <unordered_set>
#include <vector>

#include "blob_core.h"
#include "stretches.h"

namespace packetfs {

class Matcher {
 public:
  Matcher(BlobCore& blob, IngestCursor& cursor, const IngestWindow& window)
      : blob_(blob), cursor_(cursor), window_(window), stretches_(blob.options().chunker, window) {}

  /// Appends the extents of what was consumed and returns how many bytes that is.
  Result<std::size_t> run(ExtentList& extents);

 private:
  struct Step {  // a chunk of the window, and which pending chunk gives its address
    Extent extent{};
    std::size_t pending = SIZE_MAX;
    bool appended = false;
  };

  Status takeStretch(std::size_t& position, std::size_t stretchEnd);
  Status takePredicted(std::size_t position, std::size_t stretchEnd, std::size_t& length);
  struct Cut {
    std::size_t position = 0;
    std::size_t length = 0;
    Hash256 hash{};
  };
  const Cut& cutAt(std::size_t position, std::size_t end, std::size_t stretchEnd);
  Status takeCut(const Cut& cut);
  void matchBackwards(BlobAddress address);
  void guessSuccessor();
  bool equalsStored(const Segment& segment, std::uint32_t offset, std::size_t position, std::size_t length);
  Status appendPending();
  void noteReplacements();
  void noteLikenesses(std::span<const Step> steps);
  void take(std::size_t position, std::size_t length, BlobAddress address);

  BlobCore& blob_;
  IngestCursor& cursor_;
  const IngestWindow& window_;
  const Stretches stretches_;
  std::vector<Step> steps_{};
  std::size_t noted_ = 0;  // of these, for packing what was appended as deltas
  std::vector<ChunkBytes> pending_{};
  std::size_t pendingBytes_ = 0;
  std::unordered_set<std::uint64_t> pendingHashes_{};  // first 8 bytes of each
  IngestTotals totals_{};
  bool isIndexThin_ = false;
  BlobAddress lastMatched_ = kHole;

  // Cut and hashed together; more at a time as long as they are new.
  std::vector<Cut> cuts_{};
  std::size_t nextCut_ = 0;
  std::size_t cutsAtOnce_ = 1;

  // Stored bytes read ahead for prediction.
  std::vector<std::uint8_t> stored_{};
  const Segment* storedSegment_ = nullptr;
  std::uint32_t storedOffset_ = 0;
  std::size_t storedAhead_ = 0;
};

}  // namespace packetfs
