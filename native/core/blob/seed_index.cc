// See seed_index.h.
#include "seed_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "stretches.h"

namespace packetfs {
namespace {

constexpr std::uint64_t kPlacesMax = 1ULL << 48;  // what a location of the chunk index can be
constexpr std::uint64_t kChunksMax = 1ULL << 26;  // about 1 TiB of large files, 900 MB of memory
constexpr std::size_t kFilesMax = 1U << 22;       // some 600 MB of names
constexpr std::size_t kWindowBytes = 4U << 20;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::size_t kPlacesKept = 2;  // of one chunk
constexpr std::size_t kPlacesTriedMax = 8;

/// Reads until the buffer is full or the file ends.
Result<std::size_t> readUpTo(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t count = ::pread(fd, target + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::failure(errno, std::string("read: ") + strerrordesc_np(errno));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

/// A pipe or a device must not be waited for, nor a link be followed out of the directory that was named.
Result<Descriptor> openRegular(const std::string& path) {
  auto file = openFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!file.ok()) return file;
  struct stat status {};
  if (::fstat(file.value.fd(), &status) != 0) return systemFailure("stat", path);
  if (!S_ISREG(status.st_mode)) return Status::failure(EINVAL, path + " is not a regular file");
  return file;
}

/// The page in which data goes on at or behind an offset; filesystems that cannot tell have data everywhere.
std::uint64_t nextData(int fd, std::uint64_t offset, std::uint64_t end) {
  const off_t found = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (found < 0) return errno == ENXIO ? std::max(offset, end) : offset;
  return std::max<std::uint64_t>(offset, static_cast<std::uint64_t>(found) / kPageBytes * kPageBytes);
}

Status canceled() { return Status::failure(ECANCELED, "the seeds were forgotten"); }

}  // namespace

Result<SeededFile> SeedIndex::add(const std::string& path, std::uint64_t generation) {
  auto file = openRegular(path);
  if (!file.ok()) return file.status;
  auto bytes = fileSize(file.value.fd());
  if (!bytes.ok()) return bytes.status;
  auto start = placeFor(path, bytes.value, generation);
  if (!start.ok()) return start.status;
  auto chunks = cut(file.value, start.value, bytes.value, generation);
  leaveOut(start.value, generation);
  if (!chunks.ok()) return Status::failure(chunks.status.error, path + ": " + chunks.status.what);
  return SeededFile{bytes.value, chunks.value};
}

Result<std::uint64_t> SeedIndex::placeFor(const std::string& path, std::uint64_t bytes, std::uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (generation != generation_.load()) return canceled();
  if (bytes >= kPlacesMax - end_ || files_.size() >= kFilesMax)
    return Status::failure(E2BIG, "more seeds than can be kept");
  const std::uint64_t start = end_;
  files_.push_back({start, path});
  pathBytes_ += path.size();
  end_ += bytes + 1;  // so that no two files begin at one place
  filesSeen_++;
  bytes_ += bytes;
  return start;
}

/// What the file grew by since is not looked at.
Result<std::uint64_t> SeedIndex::cut(const Descriptor& file, std::uint64_t start, std::uint64_t bytes,
                                     std::uint64_t generation) {
  std::vector<std::uint8_t> buffer(std::min<std::uint64_t>(kWindowBytes, bytes));
  std::uint64_t chunks = 0;
  std::size_t kept = 0;  // of the window before
  for (std::uint64_t fileOffset = 0;;) {
    if (kept == 0) fileOffset = nextData(file.fd(), fileOffset, bytes);
    if (fileOffset >= bytes) return chunks;
    if (generation != generation_.load()) return canceled();
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), bytes - fileOffset) - kept;
    auto count = readUpTo(file.fd(), buffer.data() + kept, wanted, fileOffset + kept);
    if (!count.ok()) return count.status;
    bytesRead_ += count.value;
    const std::size_t length = kept + count.value;
    const bool isLast = count.value < wanted || fileOffset + length == bytes;
    const IngestWindow view{.fileOffset = fileOffset, .bytes = buffer.data(), .length = length, .final = isLast};
    const Stretches stretches(chunker_, view);
    Window window;
    std::size_t position = 0;
    for (std::size_t before = SIZE_MAX; position < length && position != before;) {
      before = position;
      position = stretches.endOfZeroPages(position);
      const std::size_t end = stretches.startOfZeroPages(position);
      while (position < end && stretches.decidable(position, end)) {
        const std::size_t chunkBytes = stretches.cutAt(position, end);
        window.offsets.push_back(fileOffset + position);
        window.bytes.emplace_back(buffer.data() + position, chunkBytes);
        position += chunkBytes;
      }
    }
    Status status = insert(window, start, generation);
    if (!status.ok()) return status;
    chunks += window.offsets.size();
    if (isLast) return chunks;
    kept = length - position;
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(position),
              buffer.begin() + static_cast<std::ptrdiff_t>(length), buffer.begin());
    fileOffset += position;
  }
}

Status SeedIndex::insert(const Window& window, std::uint64_t start, std::uint64_t generation) {
  std::vector<Hash256> hashes(window.bytes.size());
  blake3KeyedMany(identityKey_, window.bytes, hashes);
  std::lock_guard lock(mutex_);
  if (generation != generation_.load()) return canceled();
  for (std::size_t i = 0; i < hashes.size(); i++) {
    std::size_t alike = 0;  // a third place of the same bytes adds nothing
    if (index_->find(hashes[i], [&alike](std::uint64_t) { return ++alike == kPlacesKept; })) continue;
    if (index_->size() >= kChunksMax) return Status::failure(E2BIG, "more seeds than can be kept");
    index_->insert(hashes[i], start + window.offsets[i]);
    lastStart_ = start;
  }
  return Status::success();
}

/// Empty files, holes, and copies of what is known twice need no name.
void SeedIndex::leaveOut(std::uint64_t start, std::uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (generation != generation_.load() || files_.empty() || files_.back().start != start || lastStart_ == start) return;
  pathBytes_ -= files_.back().path.size();
  files_.pop_back();
}

std::optional<Hash256> SeedIndex::read(const RecipeHash& hash, std::uint32_t length, std::uint8_t* target) const {
  for (const Place& place : placesOf(hash)) {
    auto file = openRegular(place.path);
    if (!file.ok()) continue;
    auto count = readUpTo(file.value.fd(), target, length, place.offset);
    if (!count.ok() || count.value != length) continue;
    const Hash256 whole = blake3Keyed(identityKey_, target, length);
    if (recipeHash(whole) == hash) return whole;
  }
  return std::nullopt;
}

std::vector<SeedIndex::Place> SeedIndex::placesOf(const RecipeHash& hash) const {
  Hash256 padded{};
  std::copy(hash.begin(), hash.end(), padded.begin());
  std::vector<Place> places;
  std::shared_lock lock(mutex_);
  index_->find(padded, [&](std::uint64_t location) {
    const auto next = std::ranges::upper_bound(files_, location, {}, &File::start);
    const File& file = *std::prev(next);
    places.push_back({file.path, location - file.start});
    return places.size() == kPlacesTriedMax;
  });
  return places;
}

void SeedIndex::clear() {
  std::lock_guard lock(mutex_);
  generation_++;
  index_ = std::make_unique<ChunkIndex>();
  files_ = {};
  end_ = bytes_ = pathBytes_ = filesSeen_ = 0;
  lastStart_ = UINT64_MAX;
}

SeedUsage SeedIndex::usage() const {
  std::shared_lock lock(mutex_);
  return {.files = filesSeen_,
          .bytes = bytes_,
          .chunks = index_->size(),
          .memoryBytes = index_->memoryBytes() + files_.capacity() * sizeof(File) + pathBytes_,
          .bytesRead = bytesRead_.load()};
}

}  // namespace packetfs
