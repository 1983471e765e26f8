// See seed_index.h.
#include "seed_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "../chunk/hash_many.h"
#include "stretches.h"

namespace packetfs {
namespace {

constexpr std::uint64_t kPlacesMax = 1ULL << 48;  // what a location of the chunk index can be
constexpr std::uint64_t kChunksMax = 1ULL << 26;  // about 1 TiB of large files, 900 MB of memory
constexpr std::size_t kWindowBytes = 4U << 20;
constexpr std::size_t kHashedAtOnce = 32;
constexpr std::size_t kPlacesKept = 2;  // of one chunk
constexpr std::size_t kPlacesTriedMax = 8;

/// Reads until the buffer is full or the file ends.
Result<std::size_t> readUpTo(int fd, std::uint8_t* target, std::size_t length, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t count = ::pread(fd, target + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::failure(errno, "read");
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

}  // namespace

Result<SeededFile> SeedIndex::add(const std::string& path) {
  auto file = openRegular(path);
  if (!file.ok()) return file.status;
  auto chunks = cut(file.value);
  if (!chunks.ok()) return Status::failure(chunks.status.error, path + ": " + chunks.status.what);
  auto bytes = fileSize(file.value.fd());
  if (!bytes.ok()) return bytes.status;
  if (chunks.value.empty()) return SeededFile{bytes.value, 0};

  std::lock_guard lock(mutex_);
  // One beyond the end, as a file may have grown since it was cut.
  const std::uint64_t end = end_ + std::max(bytes.value, chunks.value.back().offset) + 1;
  if (end > kPlacesMax || index_->size() + chunks.value.size() > kChunksMax) {
    return Status::failure(E2BIG, "more seeds than can be kept");
  }
  for (const Chunk& chunk : chunks.value) {
    std::size_t alike = 0;  // a third place of the same bytes adds nothing
    if (index_->find(chunk.hash, [&alike](std::uint64_t) { return ++alike == kPlacesKept; })) continue;
    index_->insert(chunk.hash, end_ + chunk.offset);
  }
  files_.push_back({end_, path});
  pathBytes_ += path.capacity();
  end_ = end;
  bytes_ += bytes.value;
  return SeededFile{bytes.value, chunks.value.size()};
}

Result<std::vector<SeedIndex::Chunk>> SeedIndex::cut(const Descriptor& file) const {
  std::vector<Chunk> chunks;
  std::vector<std::uint8_t> buffer(kWindowBytes);
  std::vector<ByteSpan> inputs;
  std::size_t unhashed = 0;
  const auto hashAll = [&] {
    std::vector<Hash256> hashes(inputs.size());
    blake3KeyedMany(identityKey_, inputs, hashes);
    for (const Hash256& hash : hashes) chunks[unhashed++].hash = hash;
    inputs.clear();
  };
  std::size_t kept = 0;  // of the window before
  for (std::uint64_t fileOffset = 0;;) {
    if (stopped_.load()) return Status::failure(ECANCELED, "seeds are not read any more");
    auto count = readUpTo(file.fd(), buffer.data() + kept, buffer.size() - kept, fileOffset + kept);
    if (!count.ok()) return count.status;
    const std::size_t length = kept + count.value;
    const IngestWindow window{
        .fileOffset = fileOffset, .bytes = buffer.data(), .length = length, .final = length < buffer.size()};
    const Stretches stretches(chunker_, window);
    std::size_t position = 0;
    for (std::size_t before = SIZE_MAX; position < length && position != before;) {
      before = position;
      position = stretches.endOfZeroPages(position);
      const std::size_t end = stretches.startOfZeroPages(position);
      while (position < end && stretches.decidable(position, end)) {
        const std::size_t cut = stretches.cutAt(position, end);
        chunks.push_back({.offset = fileOffset + position});
        inputs.emplace_back(buffer.data() + position, cut);
        if (inputs.size() == kHashedAtOnce) hashAll();
        position += cut;
      }
    }
    hashAll();
    if (window.final) return chunks;
    kept = length - position;
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(position), buffer.end(), buffer.begin());
    fileOffset += position;
  }
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
  index_ = std::make_unique<ChunkIndex>();
  files_ = {};
  end_ = bytes_ = pathBytes_ = 0;
}

SeedUsage SeedIndex::usage() const {
  std::shared_lock lock(mutex_);
  return {.files = files_.size(),
          .bytes = bytes_,
          .chunks = index_->size(),
          .memoryBytes = index_->memoryBytes() + files_.capacity() * sizeof(File) + pathBytes_};
}

}  // namespace packetfs
