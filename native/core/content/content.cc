// Reads, writes and patches of one inode's content, see content.h.
#include "content.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "../base/wall_time.h"

namespace packetfs {
namespace {

constexpr std::uint64_t kComparedBytesMax = 256ULL << 10;  // of a growth: the chunks that it may have cut anew
// Holes are shown in whole blocks, as programs know them from other filesystems.
constexpr std::uint64_t kHoleBytes = 4096;

std::uint64_t blockOf(std::uint64_t offset) { return offset - offset % kHoleBytes; }

/// How many bytes have the same addresses in both lists, which cover as much.
std::uint64_t commonLength(const ExtentList& left, const ExtentList& right) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < left.size() && i < right.size(); i++) {
    if (left[i].address != right[i].address) break;
    length += std::min(left[i].length, right[i].length);
    if (left[i].length != right[i].length) break;
  }
  return length;
}

}  // namespace

Content::Content(Blob& blob, std::uint64_t size, const ExtentList& extents, std::uint64_t streamRunBytes)
    : blob_(blob), size_(size), settledSize_(size), takenSize_(size), streamRunBytes_(streamRunBytes) {
  base_.assign(extents, size);
}

std::uint64_t Content::nextTakes() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

void Content::forgetModified() {
  modifiedNs_ = 0;
  takes_ = nextTakes();
}

void Content::touch() {
  modifiedNs_ = wallNs();
  shownSize_.reset();
}

void Content::settle() { settledSize_ = dirty_.empty() ? size_ : std::min(settledSize_, size_); }

void Content::endStream() {
  streamPosition_ = kNoStream;
  streamCursor_ = {};
}

bool Content::hasChanges() const { return !replaced_.empty() || settledSize_ != takenSize_ || touched_; }

Status Content::readMerged(std::uint64_t offset, std::uint8_t* target, std::size_t length) const {
  if (!dirty_.covers(offset, length)) {
    const std::size_t first = base_.indexOfFirstEndingAfter(offset);
    const ExtentList& list = base_.list();
    Status status = blob_.readExtents(list.data() + first, list.size() - first, offset, target, length);
    if (!status.ok()) return status;
  }
  dirty_.overlay(offset, target, length);
  return Status::success();
}

Result<std::size_t> Content::read(std::uint64_t offset, std::uint8_t* target, std::size_t length) const {
  if (offset >= size_) return std::size_t{0};
  const std::size_t taken = std::min<std::uint64_t>(length, size_ - offset);
  Status status = readMerged(offset, target, taken);
  if (!status.ok()) return status;
  return taken;
}

std::optional<std::uint64_t> Content::locateCached(std::uint64_t offset, std::uint64_t length, std::size_t runsMax,
                                                   std::vector<StoredRun>& runs) const {
  if (offset >= size_ || !dirty_.empty()) return std::nullopt;
  const std::uint64_t taken = std::min(length, size_ - offset);
  const std::size_t first = base_.indexOfFirstEndingAfter(offset);
  const ExtentList& list = base_.list();
  if (!blob_.locateCached(list.data() + first, list.size() - first, offset, taken, runsMax, runs)) return std::nullopt;
  return taken;
}

Status Content::write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t length) {
  if (offset > kFileSizeMax || length > kFileSizeMax - offset) return Status::failure(EFBIG, "beyond the largest file");
  if (length == 0) return Status::success();
  if (const auto run = streamEndingAt(offset)) {
    Status status = beginFlight(*run);
    if (!status.ok()) return status;
  }
  dirty_.write(offset, bytes, length);
  unjournaled_.add(offset, offset + length);
  size_ = std::max(size_, offset + length);
  touch();
  return Status::success();
}

void Content::truncate(std::uint64_t size) {
  if (size < size_) {
    dirty_.remove(size, size_);
    if (size == 0 && !base_.list().empty()) emptied_ = std::exchange(base_, {});
    base_.truncate(size);
    replaced_.add(size, size_);
    endStream();
  }
  size_ = size;
  touched_ = true;
  touch();
  settle();
}

void Content::clearRange(std::uint64_t start, std::uint64_t end) { put(start, end - start, {}); }

void Content::put(std::uint64_t offset, std::uint64_t length, const ExtentList& extents) {
  if (length == 0) return;
  dirty_.remove(offset, offset + length);
  base_.replace({{offset, offset + length}}, extents);
  replaced_.add(offset, offset + length);
  size_ = std::max(size_, offset + length);
  settledSize_ = std::max(settledSize_, offset + length);
  endStream();
  touch();
  settle();
}

Status Content::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return Status::failure(EINVAL, "nothing to allocate");
  if (offset > kFileSizeMax || length > kFileSizeMax - offset) return Status::failure(EFBIG, "beyond the largest file");
  const bool keepSize = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int action = mode & ~FALLOC_FL_KEEP_SIZE;
  const bool punch = action == FALLOC_FL_PUNCH_HOLE && keepSize;
  if (action != 0 && action != FALLOC_FL_ZERO_RANGE && !punch) {
    return Status::failure(EOPNOTSUPP, "this mode of fallocate is not supported");
  }
  const std::uint64_t end = offset + length;
  if (action != 0) clearRange(std::min(offset, size_), std::min(end, size_));
  if (!keepSize && end > size_) {
    truncate(end);
  } else {
    touched_ = true;
    touch();
  }
  return Status::success();
}

Result<std::uint64_t> Content::seek(std::uint64_t offset, int whence) const {
  if (whence != SEEK_DATA && whence != SEEK_HOLE) return Status::failure(EINVAL, "neither SEEK_DATA nor SEEK_HOLE");
  if (offset >= size_) return Status::failure(ENXIO, "beyond the end of the file");
  std::uint64_t block = blockOf(offset);
  if (whence == SEEK_DATA) {
    const std::uint64_t found = nextData(block);
    if (found >= size_) return Status::failure(ENXIO, "no data behind this offset");
    return std::max(offset, blockOf(found));
  }
  while (block < size_) {
    const std::uint64_t found = nextData(block);
    if (found >= size_ || found - block >= kHoleBytes) return std::max(offset, block);
    block = blockOf(dataEnd(found) + kHoleBytes - 1);
  }
  return size_;
}

std::uint64_t Content::nextData(std::uint64_t offset) const {
  const Extent* extent = base_.firstEndingAfter(offset);
  const std::uint64_t found = extent == nullptr ? size_ : std::max(offset, extent->fileOffset);
  return std::min(found, dirty_.next(offset).value_or(size_));
}

std::uint64_t Content::dataEnd(std::uint64_t offset) const {
  const Extent* extent = base_.at(offset);
  return std::max(dirty_.endAt(offset), extent == nullptr ? offset : extent->fileOffset + extent->length);
}

void Content::resemble(const ExtentList& extents) {
  if (extents.empty() || !base_.list().empty()) return;
  emptied_.assign(extents, extents.back().fileOffset + extents.back().length);
}

void Content::replace(std::uint64_t size, const ExtentList& extents) {
  const std::vector<ByteRange> kept = replaced_.below(settledSize_);
  ExtentList local;
  for (const ByteRange& range : kept) {
    const ExtentList slice = base_.slice(range.start, range.end);
    local.insert(local.end(), slice.begin(), slice.end());
  }
  base_.assign(extents, size);
  base_.replace(kept, local);
  takenSize_ = size;
  takes_ = nextTakes();
  settledSize_ = kept.empty() ? size : std::max(size, kept.back().end);
  size_ = std::max(settledSize_, dirty_.end());
  endStream();
}

/// Extents are compared first: what an append keeps has the same addresses, but for the last chunks, which it may have
/// cut anew; those are read.
bool Content::isPrefixOf(std::uint64_t size, const ExtentList& extents) const {
  if (size < size_ || hasChanges() || !dirty_.empty()) return false;
  ExtentMap later;
  later.assign(extents, size);
  const ExtentList here = base_.slice(0, size_), there = later.slice(0, size_);
  const std::uint64_t start = commonLength(here, there);
  const std::uint64_t length = size_ - start;
  if (length > kComparedBytesMax) return false;
  std::vector<std::uint8_t> old(length), fresh(length);
  return readMerged(start, old.data(), length).ok() &&
         blob_.readExtents(there.data(), there.size(), start, fresh.data(), length).ok() && old == fresh;
}

bool Content::grow(std::uint64_t size, const ExtentList& extents) {
  if (!isPrefixOf(size, extents)) return false;
  const std::uint64_t shown = shownSize_.value_or(size_);
  replace(size, extents);
  if (size > shown) shownSize_ = shown;
  return true;
}

bool Content::reveal() {
  const bool wasHidden = shownSize_.has_value();
  shownSize_.reset();
  return wasHidden;
}

ContentPatch Content::changes() const {
  ContentPatch patch{.size = settledSize_, .modifiedNs = modifiedNs_, .overrides = overrides_, .ranges = {}};
  for (const ByteRange& range : replaced_.below(settledSize_)) {
    patch.ranges.push_back({range.start, range.end - range.start, base_.slice(range.start, range.end)});
  }
  return patch;
}

Result<bool> Content::takePatch(ContentPatch& patch) {
  if (!hasChanges()) return false;
  if (journaledIn_ && !dirty_.empty()) {
    Status status = ingest();
    if (!status.ok()) return status;
  }
  patch = changes();
  replaced_.clear();
  takenSize_ = settledSize_;
  takes_ = nextTakes();
  touched_ = false;
  if (dirty_.empty()) {
    modifiedNs_ = 0;
    forgetJournaled();
  }
  return true;
}

ContentState Content::state() const {
  return {shownSize_.value_or(size_),      modifiedNs_,         base_.bytes() + dirty_.bytes(),
          hasChanges() || !dirty_.empty(), base_.list().size(), takes_};
}

void Content::discard() {
  dirty_.clear();
  isDiscarded = true;
}

}  // namespace packetfs
