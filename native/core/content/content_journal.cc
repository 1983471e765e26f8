// Written bytes on their way to the disk by the journal alone (docs/design/0060): an fsync of a few bytes needs neither
// the blob nor a commit. What is here stays dirty, and the next commit brings it into the blob.
#include <utility>

#include "../base/little_endian.h"
#include "../base/wall_time.h"
#include "../journal/mutation_record.h"
#include "content.h"

namespace packetfs {
namespace {

constexpr std::size_t kWrittenHeaderBytes = 24;
constexpr std::size_t kRangeHeaderBytes = 16;

}  // namespace

Result<bool> Content::journal(InodeNumber inode, Journal& journal, std::uint64_t bytesMax) {
  if (hasChanges() || takenAtCatchUp_ == journal.catchUps()) return false;
  std::vector<ByteRange> ranges;
  std::uint64_t bytes = 0;
  for (const ByteRange& dirty : dirty_.ranges()) {
    for (const ByteRange& range : unjournaled_.within(dirty)) {
      ranges.push_back(range);
      bytes += range.end - range.start;
    }
  }
  if (bytes > bytesMax || (bytes > 0 && !blob_.leavesReserve(bytes))) return false;
  Status status = appendWritten(inode, journal, ranges);
  if (!status.ok()) return status;
  unjournaled_.clear();
  return true;
}

Status Content::journalAgain(InodeNumber inode, Journal& journal) {
  const std::optional<std::uint64_t> before = std::exchange(journaledIn_, std::nullopt);
  Status status = appendWritten(inode, journal, journaled_.below(size_));
  if (!journaledIn_) journaledIn_ = before;  // it failed, or there was nothing
  return status;
}

/// docs/format/namespace.md, Journal, a record of written bytes. One record, so that a power cut leaves all or nothing.
Status Content::appendWritten(InodeNumber inode, Journal& journal, const std::vector<ByteRange>& ranges) {
  if (ranges.empty()) return Status::success();
  std::vector<std::uint8_t> payload(kWrittenHeaderBytes);
  storeLittle64(payload.data(), inode);
  storeLittle64(payload.data() + 8, size_);
  storeLittle64(payload.data() + 16, static_cast<std::uint64_t>(modifiedNs_));
  for (const ByteRange& range : ranges) {
    const std::uint64_t length = range.end - range.start;
    const std::size_t at = payload.size();
    if (length > Journal::kRecordBytesMax - kRangeHeaderBytes - at) {
      return Status::failure(EFBIG, "more than one record of the journal holds");
    }
    payload.resize(at + kRangeHeaderBytes + length);
    storeLittle64(payload.data() + at, range.start);
    storeLittle64(payload.data() + at + 8, length);
    Status status = readMerged(range.start, payload.data() + at + kRangeHeaderBytes, length);
    if (!status.ok()) return status;
  }
  const Journal::Record record{Journal::Kind::written, payload};
  const Result<std::uint64_t> follows = journal.append({&record, 1}, false);
  if (!follows.ok()) return follows.status;
  if (!journaledIn_) journaledIn_ = follows.value;  // what is in the one before is still to be carried over
  for (const ByteRange& range : ranges) journaled_.add(range.start, range.end);
  return Status::success();
}

Result<bool> Content::journalChanges(InodeNumber inode, Journal& journal, std::size_t extentsMax) {
  if (inFlight() || !hasChanges() || !dirty_.empty() || journaledIn_ || takenAtCatchUp_ == journal.catchUps())
    return false;
  if (base_.list().size() > extentsMax) return false;
  const ContentPatch patch = changes();
  ExtentList replaced;
  ExtentList extents;
  for (const ContentPatch::Range& range : patch.ranges) {
    replaced.push_back({.fileOffset = range.offset, .length = range.length, .address = 0});
    extents.insert(extents.end(), range.extents.begin(), range.extents.end());
  }
  const std::vector<std::uint8_t> record = mutationRecord(
      wallNs(), ChangedContent{.inode = inode,
                               .size = patch.size,
                               .modifiedNs = patch.modifiedNs == 0 ? std::nullopt : std::optional(patch.modifiedNs),
                               .replaced = replaced,
                               .extents = extents});
  const Journal::Record one{Journal::Kind::mutation, record};
  const Result<std::uint64_t> follows = journal.append({&one, 1}, false);
  if (!follows.ok()) return follows.status;
  return true;
}

std::optional<ModifiedOverride> Content::overrideModified(std::uint64_t catchUps) {
  if (takenAtCatchUp_ == catchUps) return std::nullopt;
  ModifiedOverride override{.number = ++overrides_, .previousNs = modifiedNs_};
  forgetModified();
  override.takes = takes_;
  return override;
}

/// What was written meanwhile has the later time.
void Content::undoOverride(const ModifiedOverride& override) {
  if (modifiedNs_ == 0) modifiedNs_ = override.previousNs;
  takes_ = nextTakes();
}

void Content::forgetJournaled() {
  unjournaled_.clear();
  journaled_.clear();
  journaledIn_.reset();
}

}  // namespace packetfs
