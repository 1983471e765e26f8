// Opening, look-up and reading of the blob, see blob_core.h.
#include "blob_core.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <future>
#include <set>
#include <thread>

namespace packetfs {
namespace {

constexpr std::size_t kSegmentNameDigits = 5;
constexpr unsigned kLoadThreadsMax = 4;
/// Lines of the index are fetched so many insertions before they are needed.
constexpr std::size_t kIndexedAhead = 16;
constexpr std::size_t kTablesAhead = 2;

Status makeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Status::success();
  return systemFailure("create directory", path);
}

/// The segment number in "0001f.data" or "0001f.chunks".
std::optional<std::uint32_t> segmentOfName(const std::string& name) {
  if (name.size() <= kSegmentNameDigits) return std::nullopt;
  const std::string extension = name.substr(kSegmentNameDigits);
  if (extension != ".data" && extension != ".chunks") return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < kSegmentNameDigits; i++) {
    const char letter = name[i];
    const bool decimal = letter >= '0' && letter <= '9';
    if (!decimal && !(letter >= 'a' && letter <= 'f')) return std::nullopt;
    number = number * 16 + static_cast<std::uint32_t>(decimal ? letter - '0' : letter - 'a' + 10);
  }
  return number;
}

Result<std::vector<std::uint32_t>> listSegments(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return systemFailure("open directory", path);
  std::set<std::uint32_t> numbers;
  while (const dirent* entry = ::readdir(directory)) {
    if (auto number = segmentOfName(entry->d_name)) numbers.insert(*number);
  }
  ::closedir(directory);
  return std::vector<std::uint32_t>(numbers.begin(), numbers.end());
}

}  // namespace

Result<std::shared_ptr<Blob>> Blob::open(BlobOptions options) {
  Status status = validate(options.chunker);
  if (!status.ok()) return status;
  if (options.chunker.maximum > kStoredChunkBytesMax) return Status::failure(EINVAL, "chunks of more than 64 KiB");
  status = makeDirectory(options.directory);
  if (!status.ok()) return status;
  return std::shared_ptr<Blob>(std::make_shared<BlobCore>(std::move(options)));
}

BlobCore::BlobCore(BlobOptions options)
    : options_(std::move(options)),
      chunkerId_(chunkerId(options_.identityKey, options_.chunker)),
      index_(options_.indexBytesMax),
      seeds_(options_.chunker, options_.identityKey) {}

Status BlobCore::refuseIfUnusable() const {
  if (closed_.load()) return Status::failure(EBADF, "the blob is closed");
  if (syncFailed_.load())
    return Status::failure(EIO, "a sync of the blob failed: nothing more is stored until a restart");
  return Status::success();
}

Result<std::vector<SegmentState>> BlobCore::openLog(LogNumber log, const std::string& name) {
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  if (!isLogName(name)) return Status::failure(EINVAL, "not a log name: " + name);
  auto opened = std::make_shared<Log>();
  opened->number = log;
  opened->name = name;
  opened->path = options_.directory + "/" + name;
  status = makeDirectory(opened->path);
  if (!status.ok()) return status;
  auto parent = openFile(options_.directory, O_RDONLY | O_DIRECTORY);
  if (!parent.ok()) return parent.status;
  if (::fsync(parent.value.fd()) != 0) return systemFailure("sync", options_.directory);
  auto directory = openFile(opened->path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return directory.status;
  opened->directory = std::move(directory.value);
  auto numbers = listSegments(opened->path);
  if (!numbers.ok()) return numbers.status;

  std::vector<Result<std::shared_ptr<Segment>>> loaded(numbers.value.size(), std::shared_ptr<Segment>());
  std::atomic<std::size_t> next = 0;
  const auto load = [&] {
    for (std::size_t i = next++; i < loaded.size(); i = next++) loaded[i] = loadSegment(*opened, numbers.value[i]);
  };
  std::vector<std::thread> helpers;
  const std::size_t wanted =
      std::min<std::size_t>({kLoadThreadsMax, std::thread::hardware_concurrency(), loaded.size()});
  for (std::size_t i = 1; i < wanted; i++) helpers.emplace_back(load);
  load();
  for (std::thread& helper : helpers) helper.join();

  {
    std::unique_lock lock(structureMutex_);
    if (logs_.contains(log)) return Status::failure(EEXIST, "log number " + std::to_string(log) + " is open already");
    for (const auto& [number, other] : logs_) {
      if (other->name == name) return Status::failure(EEXIST, "log " + name + " is open already");
    }
    for (const auto& result : loaded) {
      if (!result.ok()) return result.status;
    }
    logs_.emplace(log, opened);
  }
  std::uint64_t records = 0;
  for (const auto& result : loaded) records += result.value->mark().records;
  {
    std::unique_lock lock(indexMutex_);
    index_.reserve(records);
  }
  std::vector<SegmentState> states;
  std::deque<std::future<std::vector<TableRecord>>> ahead;  // read while those before are indexed
  std::size_t reading = 0;
  for (auto& [status_, segment] : loaded) {
    for (; reading < loaded.size() && ahead.size() < kTablesAhead; reading++) {
      ahead.push_back(std::async(std::launch::async, &Segment::chunks, loaded[reading].value.get()));
    }
    const std::vector<TableRecord> records = ahead.front().get();
    ahead.pop_front();
    const SegmentMark mark = segment->mark();
    const Segment::Findings found = segment->findings();
    if (found.torn || found.corrupt) opened->clean = false;
    states.push_back({segment->number(), mark.records, mark.dataBytes, segment->sealed() || found.torn || found.corrupt,
                      found.torn, found.corrupt});
    indexChunks(adopt(*opened, segment), std::span<const TableRecord>(records));
  }
  return states;
}

Result<std::shared_ptr<Segment>> BlobCore::loadSegment(const Log& log, std::uint32_t segment) const {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%05x", segment);
  return Segment::open({.path = log.path + "/" + digits,
                        .identity = {options_.volumeId, chunkerId_, log.name, segment},
                        .identityKey = options_.identityKey,
                        .chunkBytesMax = options_.chunker.maximum,
                        .reserveBytes = options_.reserveBytes});
}

Status BlobCore::setAppendLog(LogNumber log) {
  auto found = logOf(log);
  if (!found) return Status::failure(ENOENT, "log " + std::to_string(log) + " is not open");
  if (!found->clean) return Status::failure(EROFS, "log " + found->name + " was not closed cleanly: start a new epoch");
  appendLog_ = log;
  return Status::success();
}

std::uint32_t BlobCore::adopt(Log& log, const std::shared_ptr<Segment>& segment) {
  std::unique_lock lock(structureMutex_);
  const auto ordinal = static_cast<std::uint32_t>(bySegmentOrdinal_.size());
  bySegmentOrdinal_.push_back({log.number, segment});
  ordinals_.emplace(segment.get(), ordinal);
  log.segments.emplace(segment->number(), segment);
  return ordinal;
}

std::uint32_t BlobCore::ordinalOf(const Segment& segment) const {
  std::shared_lock lock(structureMutex_);
  return ordinals_.at(&segment);
}

std::shared_ptr<BlobCore::Log> BlobCore::logOf(LogNumber log) const {
  std::shared_lock lock(structureMutex_);
  auto found = logs_.find(log);
  return found == logs_.end() ? nullptr : found->second;
}

std::optional<LogNumber> BlobCore::numberOf(const std::string& log) const {
  std::shared_lock lock(structureMutex_);
  const auto found = std::ranges::find_if(logs_, [&](const auto& entry) { return entry.second->name == log; });
  return found == logs_.end() ? std::nullopt : std::optional(found->first);
}

std::shared_ptr<Segment> BlobCore::segmentOf(const Log& log, std::uint32_t segment) const {
  std::shared_lock lock(structureMutex_);
  auto found = log.segments.find(segment);
  return found == log.segments.end() ? nullptr : found->second;
}

std::shared_ptr<Segment> BlobCore::segmentAt(BlobAddress address) const {
  std::shared_lock lock(structureMutex_);
  auto log = logs_.find(packetfs::logOf(address));
  if (log == logs_.end()) return nullptr;
  auto segment = log->second->segments.find(packetfs::segmentOf(address));
  return segment == log->second->segments.end() ? nullptr : segment->second;
}

template <typename Chunk>
void BlobCore::indexChunks(std::uint32_t ordinal, std::span<const Chunk> chunks) {
  std::unique_lock lock(indexMutex_);
  for (std::size_t i = 0; i < chunks.size(); i++) {
    if (i + kIndexedAhead < chunks.size()) index_.prefetch(chunks[i + kIndexedAhead].hash);
    index_.insert(chunks[i].hash, (std::uint64_t{ordinal} << kOffsetBits) | chunks[i].offset);
  }
}

template void BlobCore::indexChunks(std::uint32_t, std::span<const ChunkBytes>);

template <typename IsWanted>
std::optional<FoundChunk> BlobCore::findChunkWhere(const Hash256& hash, const IsWanted& isWanted) const {
  FoundChunk found;
  std::shared_lock indexLock(indexMutex_);
  const bool held = index_.find(hash, [&](std::uint64_t location) {
    IndexedSegment place;
    {
      std::shared_lock lock(structureMutex_);
      place = bySegmentOrdinal_[location >> kOffsetBits];
    }
    const auto offset = static_cast<std::uint32_t>(location & (kSegmentBytes - 1));
    if (!place.segment->matchableChunkAt(offset, found.record) || !isWanted(found.record.hash)) return false;
    found.address = makeAddress(place.log, makePosition(place.segment->number(), offset));
    found.segment = std::move(place.segment);
    return true;
  });
  if (!held) return std::nullopt;
  return found;
}

std::optional<FoundChunk> BlobCore::findChunk(const Hash256& hash) const {
  return findChunkWhere(hash, [&hash](const Hash256& one) { return one == hash; });
}

std::optional<FoundChunk> BlobCore::findChunkLike(const RecipeHash& hash) const {
  Hash256 padded{};  // the index looks at the first bits alone
  std::copy(hash.begin(), hash.end(), padded.begin());
  return findChunkWhere(padded, [&hash](const Hash256& one) { return recipeHash(one) == hash; });
}

std::optional<FoundChunk> BlobCore::chunkStartingAt(BlobAddress address) const {
  FoundChunk found;
  found.address = address;
  found.segment = segmentAt(address);
  if (!found.segment || !found.segment->matchableChunkAt(offsetOf(address), found.record)) return std::nullopt;
  return found;
}

bool BlobCore::isIndexThin() const {
  std::shared_lock lock(indexMutex_);
  return index_.oneIn() > 1;
}

std::optional<FoundChunk> BlobCore::chunkEndingAt(BlobAddress address) const {
  if (offsetOf(address) == 0) return std::nullopt;
  FoundChunk found;
  found.segment = segmentAt(address - 1);
  TableRecord holder;
  if (!found.segment || !found.segment->chunkAt(offsetOf(address - 1), holder)) return std::nullopt;
  if (holder.offset + holder.length != offsetOf(address)) return std::nullopt;
  found.address = address - holder.length;
  if (!found.segment->matchableChunkAt(holder.offset, found.record)) return std::nullopt;
  return found;
}

Result<ChunkRecord> BlobCore::chunkAt(BlobAddress address) {
  auto segment = segmentAt(address);
  TableRecord record;
  if (!segment || !segment->chunkAt(offsetOf(address), record)) {
    return Status::failure(ENOENT, "no chunk is held at this address");
  }
  return ChunkRecord{address - (offsetOf(address) - record.offset), record.length, record.hash};
}

Result<std::vector<PositionRange>> BlobCore::heldRanges(LogNumber log) {
  auto found = logOf(log);
  if (!found) return Status::failure(ENOENT, "log " + std::to_string(log) + " is not open");
  std::vector<PositionRange> ranges;
  std::shared_lock lock(structureMutex_);
  for (const auto& [number, segment] : found->segments) {
    for (const auto& [start, end] : segment->coverage()) {
      ranges.push_back({makePosition(number, start), makePosition(number, end)});
    }
  }
  return ranges;
}

bool BlobCore::holds(BlobAddress address, std::uint64_t length) {
  auto segment = segmentAt(address);
  return segment && segment->covers(offsetOf(address), length);
}

Result<std::uint64_t> BlobCore::checkOfRuns(const Extent* runs, std::size_t count) {
  std::vector<std::uint8_t> hashes;
  for (std::size_t i = 0; i < count; i++) {
    if (runs[i].address == kHole) continue;
    for (std::uint64_t done = 0; done < runs[i].length;) {
      auto chunk = chunkAt(runs[i].address + done);
      if (!chunk.ok()) return chunk.status;
      hashes.insert(hashes.end(), chunk.value.hash.begin(), chunk.value.hash.end());
      done = chunk.value.address + chunk.value.length - runs[i].address;
    }
  }
  const Hash256 check = blake3(hashes.data(), hashes.size());
  std::uint64_t value = 0;
  std::memcpy(&value, check.data(), sizeof(value));
  return value;
}

std::vector<std::uint32_t> BlobCore::segmentsOf(LogNumber log) {
  std::vector<std::uint32_t> numbers;
  auto found = logOf(log);
  if (!found) return numbers;
  std::shared_lock lock(structureMutex_);
  for (const auto& [number, segment] : found->segments) numbers.push_back(number);
  return numbers;
}

IngestTotals BlobCore::totals() const {
  return {ingestedBytes_.load(), matchedBytes_.load(), appendedBytes_.load(), zeroBytes_.load()};
}

void BlobCore::count(const IngestTotals& more) {
  ingestedBytes_ += more.bytes;
  matchedBytes_ += more.matchedBytes;
  appendedBytes_ += more.appendedBytes;
  zeroBytes_ += more.zeroBytes;
}

IndexUsage BlobCore::index() const {
  std::shared_lock lock(indexMutex_);
  return {index_.size(), index_.memoryBytes(), index_.oneIn()};
}

}  // namespace packetfs
