// Bringing dirty bytes into the blob. A sequential run is cut while it grows, exactly as the whole file would be cut at
// once. Everything else is widened to the boundaries of the chunks that it touches, read, merged and cut anew, with the
// clean bytes behind it in sight of the chunker, so that it falls back into the old cuts.
#include <algorithm>

#include "content.h"

namespace packetfs {
namespace {
constexpr std::uint64_t kWindowBytes = 4ULL << 20;
}

/// Where the chunk that holds this byte of an extent begins in the file, within the extent.
std::uint64_t Content::chunkStart(const Extent& extent, std::uint64_t offset) const {
  const BlobAddress address = extent.address + (offset - extent.fileOffset);
  auto chunk = blob_.chunkAt(address);
  if (!chunk.ok()) return offset;  // its record is damaged: what is left of it stays as it is
  return std::max(extent.fileOffset, offset - std::min(offset, address - chunk.value.address));
}

std::uint64_t Content::chunkEnd(const Extent& extent, std::uint64_t offset) const {
  const BlobAddress address = extent.address + (offset - extent.fileOffset);
  auto chunk = blob_.chunkAt(address);
  if (!chunk.ok()) return offset;
  return std::min(extent.fileOffset + extent.length, offset + (chunk.value.address + chunk.value.length - address));
}

std::uint64_t Content::widenLeft(ByteRange dirty) const {
  const std::uint64_t start = dirty.start;
  if (start == 0 || start == streamPosition_) return start;
  if (const Extent* extent = base_.at(start)) {
    return extent->fileOffset == start ? start : chunkStart(*extent, start);
  }
  // Data may end here: its last chunks were cut short by that end. Taken in again when the new bytes outweigh them, so
  // that a long append continues the cuts and a thousand short ones do not rewrite the last chunk a thousand times.
  std::uint64_t widened = start;
  while (widened > 0) {
    const Extent* extent = base_.at(widened - 1);
    if (extent == nullptr) break;
    const std::uint64_t chunk = chunkStart(*extent, widened - 1);
    if (start - chunk >= blob_.chunker().maximum || widened - chunk > dirty.end - widened) break;
    widened = chunk;
  }
  return widened;
}

std::uint64_t Content::widenRight(std::uint64_t end) const {
  if (end >= size_) return end;
  const Extent* extent = base_.at(end);
  if (extent == nullptr || extent->fileOffset == end || chunkStart(*extent, end) == end) return end;
  return std::max(end, chunkEnd(*extent, end));
}

/// Chunks that widening took in again may have been cut by what was then the end of the data.
IngestCursor Content::freshCursor(std::uint64_t start) const {
  return {.replacing = ReplacementTracker(replacedAt(start)), .predictFrom = start + blob_.chunker().maximum};
}

BlobAddress Content::replacedAt(std::uint64_t offset) const {
  const Extent* extent = base_.at(offset);
  if (extent == nullptr) extent = emptied_.at(offset);
  return extent == nullptr ? kHole : extent->address + (offset - extent->fileOffset);
}

/// The run that ends here, when it is long enough to fly.
std::optional<ByteRange> Content::streamEndingAt(std::uint64_t offset) const {
  const auto run = dirty_.runEndingAt(offset);
  return run && run->end - run->start >= streamRunBytes_ ? run : std::nullopt;
}

bool Content::mayWriteInFlight(std::uint64_t offset) const {
  const IngestWindow& window = flight_->window;
  return offset >= window.fileOffset + window.length && !streamEndingAt(offset);
}

void Content::awaitLanding(std::unique_lock<std::shared_mutex>& lock) {
  landed_.wait(lock, [this] { return !inFlight(); });
}

/// Of a long run, the prefix that no further bytes can cut otherwise.
Status Content::beginFlight(ByteRange run) {
  ByteRange whole = run;
  while (auto before = dirty_.runEndingAt(whole.start)) whole.start = before->start;
  const std::uint64_t start = widenLeft(whole);
  if (start < run.start) {
    std::vector<std::uint8_t> before(run.start - start);
    Status status = readMerged(start, before.data(), before.size());
    if (!status.ok()) return status;
    dirty_.remove(start, run.start);
    dirty_.prepend(run.start, before);
  }
  if (start != streamPosition_) streamCursor_ = freshCursor(start);
  const std::uint64_t length = run.end - start;
  flight_ =
      Flight{.window = {.fileOffset = start, .bytes = dirty_.inOneRun(start, length), .length = length, .final = false},
             .cursor = streamCursor_};
  dirty_.freezeBefore(run.end);
  departing_ = !grounded_;
  if (departing_) return Status::success();
  FlightOutcome outcome = fly();
  Status status = outcome.consumed.status;
  land(std::move(outcome));
  return status;
}

Content::FlightOutcome Content::fly() {
  ExtentList extents;
  auto consumed = blob_.ingestWindow(flight_->cursor, flight_->window, extents);
  return {std::move(consumed), std::move(extents)};
}

/// After a failure the bytes stay dirty: the next write of the stream, or ingest, tries again and returns the error.
void Content::land(FlightOutcome outcome) {
  const Flight flight = *flight_;
  flight_.reset();
  dirty_.thaw();
  grounded_ = !outcome.consumed.ok();
  if (!grounded_) {
    const std::uint64_t start = flight.window.fileOffset;
    const std::uint64_t end = start + outcome.consumed.value;
    apply({.ranges = {{start, end}}, .extents = std::move(outcome.extents)});
    streamPosition_ = end;
    streamCursor_ = flight.cursor;
  }
  landed_.notify_all();
}

/// Dirty ranges widened to chunk boundaries, merged where they meet.
std::vector<ByteRange> Content::groups() const {
  std::vector<ByteRange> list;
  for (const ByteRange& dirty : dirty_.ranges()) {
    ByteRange widened{widenLeft(dirty), widenRight(dirty.end)};
    while (!list.empty() && widened.start < list.back().end) {
      widened = {std::min(widened.start, list.back().start), std::max(widened.end, list.back().end)};
      list.pop_back();
    }
    list.push_back(widened);
  }
  return list;
}

Status Content::ingest() {
  IngestProgress progress;
  Status status = Status::success();
  for (const ByteRange& group : groups()) {
    status = ingestGroup(group, progress);
    if (!status.ok()) break;
  }
  apply(progress);
  endStream();
  if (!base_.list().empty()) emptied_ = {};
  return status;
}

Status Content::ingestGroup(ByteRange group, IngestProgress& progress) {
  IngestCursor cursor = group.start == streamPosition_ ? streamCursor_ : freshCursor(group.start);
  const std::uint64_t ahead = std::min<std::uint64_t>(blob_.chunker().maximum, size_ - group.end);
  std::vector<std::uint8_t> buffer;
  std::uint64_t position = group.start;
  while (position < group.end) {
    const bool final = group.end - position <= kWindowBytes;
    const std::uint64_t length = final ? group.end - position : kWindowBytes;
    const std::uint64_t lookahead = final ? ahead : 0;
    const std::uint8_t* bytes = dirty_.inOneRun(position, length + lookahead);
    if (bytes == nullptr) {
      buffer.resize(length + lookahead);
      Status status = readMerged(position, buffer.data(), buffer.size());
      if (!status.ok()) return status;
      bytes = buffer.data();
    }
    auto consumed = blob_.ingestWindow(
        cursor, {.fileOffset = position, .bytes = bytes, .length = length, .lookahead = lookahead, .final = final},
        progress.extents);
    if (!consumed.ok()) return consumed.status;
    progress.ranges.push_back({position, position + consumed.value});
    position += consumed.value;
  }
  return Status::success();
}

void Content::apply(const IngestProgress& progress) {
  base_.replace(progress.ranges, progress.extents);
  for (const ByteRange& range : progress.ranges) {
    dirty_.remove(range.start, range.end);
    replaced_.add(range.start, range.end);
    settledSize_ = std::max(settledSize_, range.end);
  }
  settle();
}

}  // namespace packetfs
