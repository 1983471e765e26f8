// The chunk index against the chunk tables, both ways, while the blob is in use (blob.h, checkIndex). Chunks stored
// meanwhile become visible shortly before they are indexed, so what is not found is looked for again at the end.
#include <chrono>
#include <thread>

#include "blob_core.h"

namespace packetfs {
namespace {

constexpr std::size_t kLinesPerLock = 1024;
constexpr unsigned kAttemptsMax = 16;  // of a walk over an index that grows
constexpr auto kSettleTime = std::chrono::milliseconds(50);

struct Suspect {
  std::uint32_t ordinal = 0;
  std::uint32_t offset = 0;
};

std::uint64_t locationOf(std::uint32_t ordinal, std::uint32_t offset) {
  return (std::uint64_t{ordinal} << kOffsetBits) | offset;
}

}  // namespace

Result<Blob::IndexCheck> BlobCore::checkIndex() {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  std::vector<IndexedSegment> segments;
  {
    std::shared_lock lock(structureMutex_);
    segments = bySegmentOrdinal_;
  }
  IndexCheck check;
  compareTables(segments, check);
  for (unsigned attempt = 0; attempt < kAttemptsMax; attempt++) {
    check.contradicted.clear();
    check.entries = 0;
    if (compareEntries(check)) break;
  }
  std::shared_lock lock(indexMutex_);
  check.dropped = index_.dropped();
  return check;
}

void BlobCore::compareTables(const std::vector<IndexedSegment>& segments, IndexCheck& check) const {
  const auto isFound = [this](const TableRecord& record, std::uint64_t location) {
    std::shared_lock lock(indexMutex_);
    if (!index_.keeps(record.hash)) return true;
    return index_.find(record.hash, [location](std::uint64_t candidate) { return candidate == location; });
  };
  std::vector<Suspect> suspects;
  for (std::uint32_t ordinal = 0; ordinal < segments.size(); ordinal++) {
    for (const TableRecord& record : segments[ordinal].segment->chunks()) {
      check.chunks++;
      if (!isFound(record, locationOf(ordinal, record.offset))) suspects.push_back({ordinal, record.offset});
    }
  }
  if (suspects.empty()) return;
  std::this_thread::sleep_for(kSettleTime);
  for (const Suspect& suspect : suspects) {
    const IndexedSegment& place = segments[suspect.ordinal];
    TableRecord record;
    if (!place.segment->chunkStartingAt(suspect.offset, record)) continue;  // repaired or damaged since
    if (isFound(record, locationOf(suspect.ordinal, suspect.offset))) continue;
    check.missing.push_back(makeAddress(place.log, makePosition(place.segment->number(), suspect.offset)));
  }
}

/// False when the index was rearranged on the way: the walk has to begin again.
bool BlobCore::compareEntries(IndexCheck& check) const {
  struct Entry {
    std::uint64_t hashBits, location;
  };
  std::size_t lines = 0;
  {
    std::shared_lock lock(indexMutex_);
    lines = index_.lines();
  }
  std::vector<Entry> entries;
  bool more = true;
  for (std::size_t first = 0; more; first += kLinesPerLock) {
    entries.clear();
    {
      std::shared_lock lock(indexMutex_);
      if (index_.lines() != lines) return false;
      more = index_.visit(first, kLinesPerLock, [&entries](std::uint64_t hashBits, std::uint64_t location) {
        entries.push_back({hashBits, location});
      });
    }
    check.entries += entries.size();
    for (const Entry& entry : entries) {
      IndexedSegment place;
      {
        std::shared_lock lock(structureMutex_);
        if (entry.location >> kOffsetBits < bySegmentOrdinal_.size()) {
          place = bySegmentOrdinal_[entry.location >> kOffsetBits];
        }
      }
      const auto offset = static_cast<std::uint32_t>(entry.location & (kSegmentBytes - 1));
      TableRecord record;
      if (place.segment && place.segment->chunkStartingAt(offset, record) &&
          ChunkIndex::bitsOf(record.hash) == entry.hashBits) {
        continue;
      }
      const std::uint32_t number = place.segment ? place.segment->number() : 0;
      check.contradicted.push_back(makeAddress(place.log, makePosition(number, offset)));
    }
  }
  return true;
}

}  // namespace packetfs
