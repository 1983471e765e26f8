// See matcher.h.
#include "matcher.h"

#include <algorithm>
#include <cstring>

#include "../chunk/hash_many.h"

namespace packetfs {
namespace {

constexpr std::size_t kPendingBytesMax = 1U << 20;  // appended, and shown to other threads, at the latest then
constexpr std::size_t kPendingChunksMax = 512;
constexpr std::size_t kCutsAtOnceMost = 24;
constexpr std::size_t kStoredAheadLeast = 32U << 10;
constexpr std::size_t kStoredAheadMost = 256U << 10;

std::uint64_t shortHash(const Hash256& hash) {
  std::uint64_t value = 0;
  std::memcpy(&value, hash.data(), sizeof(value));
  return value;
}

}  // namespace

Result<std::size_t> Matcher::run(ExtentList& extents) {
  isIndexThin_ = blob_.isIndexThin();
  if (isIndexThin_ && cursor_.successor == kHole) guessSuccessor();
  std::size_t position = 0;
  while (position < window_.length) {
    const std::size_t zeroEnd = stretches_.endOfZeroPages(position);
    if (zeroEnd > position) {
      steps_.push_back({{window_.fileOffset + position, zeroEnd - position, kHole}});
      totals_.zeroBytes += zeroEnd - position;
      position = zeroEnd;
      continue;
    }
    const std::size_t before = position;
    Status status = takeStretch(position, stretches_.startOfZeroPages(position));
    if (!status.ok()) return status;
    if (position == before) break;
  }
  Status status = appendPending();
  if (!status.ok()) return status;
  noteReplacements();
  for (const Step& step : steps_) {
    const Extent& extent = step.extent;
    if (!extents.empty()) {
      Extent& last = extents.back();
      const bool follows = last.fileOffset + last.length == extent.fileOffset;
      const bool contiguous = last.address == kHole
                                  ? extent.address == kHole
                                  : extent.address != kHole && last.address + last.length == extent.address;
      if (follows && contiguous) {
        last.length += extent.length;
        continue;
      }
    }
    extents.push_back(extent);
  }
  totals_.bytes = position;
  blob_.count(totals_);
  if (lastMatched_ != kHole) blob_.lastMatched() = lastMatched_;
  return position;
}

Status Matcher::takeStretch(std::size_t& position, std::size_t stretchEnd) {
  const std::size_t end = std::min(stretchEnd, window_.length);
  cuts_.clear();
  while (position < end && stretches_.decidable(position, stretchEnd)) {
    std::size_t length = 0;
    Status status = takePredicted(position, end, length);
    if (status.ok() && length == 0) {
      const Cut& cut = cutAt(position, end, stretchEnd);
      length = cut.length;
      status = takeCut(cut);
    }
    if (!status.ok()) return status;
    position += length;
  }
  return Status::success();
}

/// Files come in the order in which they came before, more often than not.
void Matcher::guessSuccessor() {
  cursor_.successor = blob_.lastMatched().load();
  if (window_.fileOffset == 0) cursor_.predictFrom = 0;  // no chunk before this one was cut by an end
}

/// After a hit on a stored chunk, the stored chunk behind it is taken when the input goes on alike, uncut and unhashed.
Status Matcher::takePredicted(std::size_t position, std::size_t stretchEnd, std::size_t& length) {
  if (cursor_.successor == kHole || window_.fileOffset + position < cursor_.predictFrom) return Status::success();
  auto next = blob_.chunkStartingAt(cursor_.successor);
  if (!next && !pending_.empty()) {  // it may be among those that are not appended yet
    Status status = appendPending();
    if (!status.ok()) return status;
    next = blob_.chunkStartingAt(cursor_.successor);
  }
  const std::size_t left = stretchEnd - position;
  const bool fits = next && next->record.length <= left &&
                    // A short chunk was the end of something; it is taken only where it is the end here, too.
                    (next->record.length > blob_.options().chunker.minimum || next->record.length == left);
  if (!fits || !equalsStored(*next->segment, next->record.offset, position, next->record.length)) {
    cursor_.successor = kHole;
    return Status::success();
  }
  length = next->record.length;
  totals_.matchedBytes += length;
  take(position, length, next->address);
  cursor_.successor = next->address + length;
  return Status::success();
}

bool Matcher::equalsStored(const Segment& segment, std::uint32_t offset, std::size_t position, std::size_t length) {
  const bool isRead =
      storedSegment_ == &segment && offset >= storedOffset_ && offset + length <= storedOffset_ + stored_.size();
  if (!isRead) {
    // The first comparison reads one chunk; as long as the prediction holds, more is read ahead.
    const bool goesOn = storedSegment_ == &segment && offset == storedOffset_ + stored_.size();
    storedAhead_ = goesOn || storedAhead_ > 0 ? std::min(storedAhead_ * 2, kStoredAheadMost) : kStoredAheadLeast;
    std::size_t wanted = std::max(length, std::min(storedAhead_, window_.length - position));
    if (!segment.covers(offset, wanted)) wanted = length;
    stored_.resize(wanted);
    storedSegment_ = &segment;
    storedOffset_ = offset;
    if (!segment.readData(offset, stored_.data(), wanted).ok()) {  // unreadable is not equal: the input is stored anew
      stored_.clear();
      return false;
    }
  }
  const bool equal = std::memcmp(stored_.data() + (offset - storedOffset_), window_.bytes + position, length) == 0;
  if (!equal) storedAhead_ = 0;
  return equal;
}

/// The chunk that begins here, if need be with those behind it: several are hashed for less than one after the other.
const Matcher::Cut& Matcher::cutAt(std::size_t position, std::size_t end, std::size_t stretchEnd) {
  while (nextCut_ < cuts_.size() && cuts_[nextCut_].position < position) nextCut_++;
  if (nextCut_ < cuts_.size() && cuts_[nextCut_].position == position) return cuts_[nextCut_++];
  cuts_.clear();
  std::vector<ByteSpan> inputs;
  for (std::size_t next = position;
       cuts_.size() < cutsAtOnce_ && next < end && stretches_.decidable(next, stretchEnd);) {
    const std::size_t length = stretches_.cutAt(next, stretchEnd);
    cuts_.push_back({next, length});
    inputs.emplace_back(window_.bytes + next, length);
    next += length;
  }
  std::vector<Hash256> hashes(inputs.size());
  blake3KeyedMany(blob_.options().identityKey, inputs, hashes);
  for (std::size_t i = 0; i < hashes.size(); i++) cuts_[i].hash = hashes[i];
  cutsAtOnce_ = std::min(cutsAtOnce_ * 2, kCutsAtOnceMost);
  nextCut_ = 1;
  return cuts_.front();
}

Status Matcher::takeCut(const Cut& cut) {
  const auto& [position, length, hash] = cut;
  const std::uint8_t* bytes = window_.bytes + position;
  if (pendingHashes_.contains(shortHash(hash))) {
    Status status = appendPending();
    if (!status.ok()) return status;
  }
  if (auto held = blob_.findChunk(hash)) {
    if (isIndexThin_) matchBackwards(held->address);
    totals_.matchedBytes += length;
    take(position, length, held->address);
    cursor_.successor = held->address + length;
    cutsAtOnce_ = 1;  // what follows is probably known, too
    return Status::success();
  }
  cursor_.successor = kHole;
  pendingHashes_.insert(shortHash(hash));
  steps_.push_back({{window_.fileOffset + position, length, kHole}, pending_.size()});
  pending_.push_back({bytes, 0, static_cast<std::uint32_t>(length), hash, crc32c(bytes, length)});
  pendingBytes_ += length;
  if (pendingBytes_ >= kPendingBytesMax || pending_.size() >= kPendingChunksMax) return appendPending();
  return Status::success();
}

/// The new chunks right before a hit may be those before it in the blob, of which a thin index did not know.
void Matcher::matchBackwards(BlobAddress address) {
  for (auto step = steps_.rbegin(); step != steps_.rend() && !pending_.empty(); ++step) {
    const auto before = blob_.chunkEndingAt(address);
    if (step->pending != pending_.size() - 1 || !before || before->record.hash != pending_.back().hash) return;
    address = step->extent.address = before->address;
    step->pending = SIZE_MAX;
    pendingBytes_ -= step->extent.length;
    totals_.matchedBytes += step->extent.length;
    pendingHashes_.erase(shortHash(pending_.back().hash));
    pending_.pop_back();
  }
}

void Matcher::take(std::size_t position, std::size_t length, BlobAddress address) {
  steps_.push_back({{window_.fileOffset + position, length, address}});
  lastMatched_ = address + length;
}

Status Matcher::appendPending() {
  if (pending_.empty()) return Status::success();
  std::vector<BlobAddress> addresses;
  std::vector<bool> matched;
  Status status = blob_.appendChunks(pending_, addresses, matched);
  if (!status.ok()) return status;
  for (Step& step : steps_) {
    if (step.pending == SIZE_MAX) continue;
    step.extent.address = addresses[step.pending];
    step.appended = !matched[step.pending];
    (step.appended ? totals_.appendedBytes : totals_.matchedBytes) += step.extent.length;
    step.pending = SIZE_MAX;
  }
  pending_.clear();
  pendingHashes_.clear();
  pendingBytes_ = 0;
  noteReplacements();
  return Status::success();
}

/// At once, for what was appended may be on its way to a peer a moment later.
void Matcher::noteReplacements() {
  Replacements& replacements = blob_.replacements();
  const auto steps = std::span(steps_).subspan(noted_);
  noted_ = steps_.size();
  if (steps.empty()) return;
  for (const Step& step : steps) {
    const AddressRange chunk{step.extent.address, step.extent.length};
    if (chunk.start == kHole) continue;
    if (step.appended) {
      cursor_.replacing.appended(chunk, replacements);
    } else {
      cursor_.replacing.matched(chunk, replacements);
    }
  }
  cursor_.replacing.pause(replacements);
  if (!blob_.similarChunks().isEmpty()) noteLikenesses(steps);
}

/// Those that lie one behind the other on both sides are one.
void Matcher::noteLikenesses(std::span<const Step> steps) {
  AddressRange fresh{kHole, 0};
  AddressRange old{kHole, 0};
  const auto noteIt = [&] {
    if (fresh.length > 0) blob_.replacements().note(fresh, old, Anchor::kSimilar);
    fresh.length = 0;
  };
  for (const Step& step : steps) {
    if (!step.appended) continue;
    const std::uint8_t* bytes = window_.bytes + (step.extent.fileOffset - window_.fileOffset);
    const auto sketch = sketchOf(bytes, step.extent.length);
    const auto like = sketch ? blob_.similarChunks().find(*sketch) : std::nullopt;
    if (!like) continue;
    if (fresh.length == 0 || step.extent.address != fresh.end() || like->start != old.end()) {
      noteIt();
      fresh = {step.extent.address, 0};
      old = {like->start, 0};
    }
    fresh.length += step.extent.length;
    old.length += like->length;
  }
  noteIt();
}

Result<ExtentList> BlobCore::ingest(std::uint64_t fileOffset, const std::uint8_t* bytes, std::size_t length) {
  IngestCursor cursor;
  ExtentList extents;
  auto consumed = ingestWindow(cursor, {.fileOffset = fileOffset, .bytes = bytes, .length = length}, extents);
  if (!consumed.ok()) return consumed.status;
  return extents;
}

Result<std::size_t> BlobCore::ingestWindow(IngestCursor& cursor, const IngestWindow& window, ExtentList& extents) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  cursor.replacing.guess(lastReplaced_.load());
  auto consumed = Matcher(*this, cursor, window).run(extents);
  if (cursor.replacing.old() != kHole) lastReplaced_ = cursor.replacing.old();
  return consumed;
}

}  // namespace packetfs
