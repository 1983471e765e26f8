// Written bytes on their way to the disk by the journal alone (docs/design/0060): an fsync of a few bytes needs neither
// the blob nor a commit. What is here stays dirty, and the next commit brings it into the blob.
#include <algorithm>

#include "../blob/little_endian.h"
#include "content.h"

namespace packetfs {
namespace {

constexpr std::uint64_t kRecordedBytesMax = 1ULL << 20;  // of one record; a longer range makes several
constexpr std::size_t kWrittenHeaderBytes = 32;

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
  return appendWritten(inode, journal, journaled_.below(size_));
}

/// docs/format/namespace.md, Journal, a record of written bytes.
Status Content::appendWritten(InodeNumber inode, Journal& journal, const std::vector<ByteRange>& ranges) {
  std::vector<std::vector<std::uint8_t>> payloads;
  for (const ByteRange& range : ranges) {
    for (std::uint64_t start = range.start; start < range.end; start += kRecordedBytesMax) {
      const std::uint64_t length = std::min(kRecordedBytesMax, range.end - start);
      auto& payload = payloads.emplace_back(kWrittenHeaderBytes + length);
      storeLittle64(payload.data(), inode);
      storeLittle64(payload.data() + 8, size_);
      storeLittle64(payload.data() + 16, static_cast<std::uint64_t>(modifiedNs_));
      storeLittle64(payload.data() + 24, start);
      Status status = readMerged(start, payload.data() + kWrittenHeaderBytes, length);
      if (!status.ok()) return status;
    }
  }
  if (payloads.empty()) return Status::success();
  std::vector<Journal::Record> records;
  for (const auto& payload : payloads) records.push_back({Journal::Kind::written, payload});
  const Result<std::uint64_t> follows = journal.append(records, false);
  if (!follows.ok()) return follows.status;
  journaledIn_ = follows.value;
  for (const ByteRange& range : ranges) journaled_.add(range.start, range.end);
  return Status::success();
}

void Content::forgetJournaled() {
  unjournaled_.clear();
  journaled_.clear();
  journaledIn_.reset();
}

}  // namespace packetfs
