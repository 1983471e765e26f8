// Appending to the own log and making the blob durable, see blob_core.h.
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "blob_core.h"

namespace packetfs {

Status BlobCore::appendChunks(std::span<ChunkBytes> chunks, std::vector<BlobAddress>& addresses,
                              std::vector<bool>& matched) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  const std::uint32_t number = appendLog_.load();
  auto log = number == UINT32_MAX ? nullptr : logOf(static_cast<LogNumber>(number));
  if (!log) return Status::failure(EROFS, "the blob has no log to append to");
  addresses.assign(chunks.size(), kHole);
  matched.assign(chunks.size(), false);

  std::lock_guard lock(log->write);
  std::vector<ChunkBytes> group;
  std::vector<std::size_t> places;
  std::shared_ptr<Segment> segment;
  std::uint64_t groupBytes = 0;
  const auto appendGroup = [&]() -> Status {
    if (group.empty()) return Status::success();
    Status appended = segment->append(group);
    if (!appended.ok()) return appended;
    if (const auto filled = segment->takeFilledPages()) writeBack_.begin(segment, *filled);
    indexChunks(ordinalOf(*segment), std::span<const ChunkBytes>(group));
    for (std::size_t i = 0; i < group.size(); i++) {
      addresses[places[i]] = makeAddress(log->number, makePosition(segment->number(), group[i].offset));
    }
    group.clear();
    places.clear();
    groupBytes = 0;
    return Status::success();
  };
  for (std::size_t i = 0; i < chunks.size(); i++) {
    if (auto held = findChunk(chunks[i].hash)) {  // another thread was faster
      addresses[i] = held->address;
      matched[i] = true;
      continue;
    }
    const std::uint64_t needed = groupBytes + chunks[i].length;
    if (!segment || !segment->hasRoom(static_cast<std::uint32_t>(needed), group.size() + 1)) {
      status = appendGroup();
      if (!status.ok()) return status;
      auto roomy = segmentWithRoom(*log, chunks[i].length);
      if (!roomy.ok()) return roomy.status;
      segment = std::move(roomy.value);
    }
    group.push_back(chunks[i]);
    places.push_back(i);
    groupBytes += chunks[i].length;
  }
  return appendGroup();
}

/// The log's last segment, or a new one after it.
Result<std::shared_ptr<Segment>> BlobCore::segmentWithRoom(Log& log, std::uint32_t length) {
  std::shared_ptr<Segment> last;
  {
    std::shared_lock lock(structureMutex_);
    if (!log.segments.empty()) last = log.segments.rbegin()->second;
  }
  if (!last) return segmentForWriting(log, 0);
  if (last->hasRoom(length)) return last;
  last->stopAppending();
  if (last->number() + 1 >= kSegmentCountMax)
    return Status::failure(ENOSPC, "log " + log.name + " has no segment left");
  return segmentForWriting(log, last->number() + 1);
}

Result<std::shared_ptr<Segment>> BlobCore::segmentForWriting(Log& log, std::uint32_t segment) {
  auto held = segmentOf(log, segment);
  if (held) return held;
  auto created = loadSegment(log, segment);
  if (!created.ok()) return created;
  adopt(log, created.value);
  return created;
}

Result<std::vector<HighWaterMark>> BlobCore::sync() {
  std::lock_guard syncLock(syncMutex_);
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  std::vector<std::shared_ptr<Log>> logs;
  {
    std::shared_lock lock(structureMutex_);
    for (const auto& [number, log] : logs_) logs.push_back(log);
  }
  std::vector<HighWaterMark> marks;
  for (const auto& log : logs) {
    status = syncLog(*log, marks);
    if (!status.ok()) {
      syncFailed_ = true;
      return status;
    }
  }
  return marks;
}

bool BlobCore::leavesReserve(std::uint64_t bytes) const {
  const std::uint32_t number = appendLog_.load();
  const auto log = number == UINT32_MAX ? nullptr : logOf(static_cast<LogNumber>(number));
  return !log || options_.reserveBytes == 0 || diskHolds(log->directory.fd(), bytes + options_.reserveBytes);
}

bool BlobCore::isSynced() {
  const std::unique_lock syncLock(syncMutex_, std::try_to_lock);
  const std::shared_lock lock(structureMutex_, std::try_to_lock);
  if (!syncLock.owns_lock() || !lock.owns_lock() || !refuseIfUnusable().ok()) return false;
  return std::ranges::all_of(logs_, [](const auto& entry) {
    Log& log = *entry.second;
    const std::unique_lock writeLock(log.write, std::try_to_lock);
    if (!writeLock.owns_lock()) return false;
    return std::ranges::none_of(log.segments, [](const auto& one) { return one.second->touched(); });
  });
}

Result<bool> BlobCore::copyUnsynced(std::uint64_t bytesMax, const KeepCopy& keep) {
  const Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  const std::uint32_t number = appendLog_.load();
  auto log = number == UINT32_MAX ? nullptr : logOf(static_cast<LogNumber>(number));
  if (!log) return Status::failure(EROFS, "the blob has no log to append to");
  if (!othersAreSynced(log->number)) return false;
  std::lock_guard lock(log->write);
  std::vector<std::shared_ptr<Segment>> segments;
  std::uint64_t bytes = 0;
  {
    std::shared_lock structureLock(structureMutex_);
    for (const auto& [index, segment] : log->segments) {
      if (!segment->awaitsSync()) continue;
      for (const auto& [start, end] : segment->uncopied()) bytes += end - start;
      segments.push_back(segment);
    }
  }
  if (bytes > bytesMax) return false;
  if (bytes == 0) return true;
  std::vector<Literal> literals;
  for (const auto& segment : segments) {
    for (const auto& [start, end] : segment->uncopied()) {
      const LogPosition last = makePosition(segment->number(), end);
      for (LogPosition next = makePosition(segment->number(), start); next < last;) {
        auto literal = packLiteral(log->number, next, last, kLiteralRawBytesMax, 0, {});
        if (!literal.ok()) return literal.status;
        next = literal.value.end;
        literals.push_back(std::move(literal.value));
      }
    }
  }
  Status kept = keep(log->number, literals);
  if (!kept.ok()) return kept;
  for (const auto& segment : segments) segment->noteCopied();
  return true;
}

bool BlobCore::othersAreSynced(LogNumber own) const {
  std::vector<std::shared_ptr<Log>> others;
  {
    std::shared_lock lock(structureMutex_);
    for (const auto& [number, log] : logs_) {
      if (number != own) others.push_back(log);
    }
  }
  return std::ranges::all_of(others, [this](const auto& log) {
    std::lock_guard writeLock(log->write);
    std::shared_lock lock(structureMutex_);
    return std::ranges::none_of(log->segments, [](const auto& one) { return one.second->awaitsSync(); });
  });
}

Status BlobCore::syncLog(Log& log, std::vector<HighWaterMark>& marks) {
  struct Frozen {
    std::shared_ptr<Segment> segment{};
    SegmentMark mark{};
  };
  std::vector<Frozen> frozen;
  bool newFiles = false;
  {
    std::lock_guard writeLock(log.write);
    std::shared_lock lock(structureMutex_);
    for (const auto& [number, segment] : log.segments) {
      if (!segment->touched()) continue;
      newFiles = segment->takeNew() || newFiles;
      frozen.push_back({segment, segment->freeze()});
    }
  }
  if (newFiles && ::fsync(log.directory.fd()) != 0) return systemFailure("sync", log.path);
  for (const Frozen& one : frozen) {
    Status status = one.segment->makeDurable();
    if (!status.ok()) return status;
  }
  std::lock_guard writeLock(log.write);
  for (const Frozen& one : frozen) {
    Status status = one.segment->rememberDurable(one.mark);
    if (status.ok()) status = one.segment->sealIfFull();
    // On a full disk the mark stays too low, or the footer away: opening then checks more than it must.
    if (!status.ok() && status.error != ENOSPC && status.error != EDQUOT) return status;
    marks.push_back({log.number, one.segment->number(), one.mark.records, one.mark.dataBytes});
  }
  return Status::success();
}

/// Best effort: a clean stop has synced before, and what was not synced is referred to by nobody.
void BlobCore::close() {
  if (closed_.load()) return;
  seeds_.clear();
  (void)sync();
  if (closed_.exchange(true)) return;
  std::vector<std::shared_ptr<Log>> logs;
  {
    std::shared_lock lock(structureMutex_);
    for (const auto& [number, log] : logs_) logs.push_back(log);
  }
  for (const auto& log : logs) {
    std::lock_guard writeLock(log->write);
    std::shared_lock lock(structureMutex_);
    for (const auto& [number, segment] : log->segments) segment->releasePreallocation();
  }
}

}  // namespace packetfs
