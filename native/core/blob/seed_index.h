// Files outside the blob whose chunks may stand in for literals (docs/design/0085). What is kept of a file is its name
// and where its chunks begin; their bytes are read and hashed again at each use, so a file that changed or went away is
// a miss and never a wrong byte. Thread-safe.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "../base/file.h"
#include "../base/result.h"
#include "../chunk/chunk_index.h"
#include "../chunk/chunker.h"
#include "../chunk/hash_many.h"
#include "recipe_frame.h"

namespace packetfs {

struct SeededFile {
  std::uint64_t bytes = 0, chunks = 0;
};

struct SeedUsage {
  std::uint64_t files = 0, bytes = 0, chunks = 0, memoryBytes = 0;
  std::uint64_t bytesRead = 0;  // ever: it grows as long as reading gets on
};

class SeedIndex {
 public:
  SeedIndex(const ChunkerParameters& chunker, const ChunkKey& identityKey)
      : chunker_(chunker), identityKey_(identityKey) {}

  /// Cuts and hashes a file as ingest does. EINVAL when it is not a regular file, E2BIG when there are as many seeds as
  /// can be, ECANCELED when all were forgotten meanwhile, else what open(2) or read(2) say. What was read before a
  /// failure counts.
  /// `generation`: as it was when this was asked for.
  Result<SeededFile> add(const std::string& path, std::uint64_t generation);
  /// Another after each clear().
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(); }
  /// The hash of a chunk of that length that begins with `hash`, with its bytes in `target`, if a file has it still.
  std::optional<Hash256> read(const RecipeHash& hash, std::uint32_t length, std::uint8_t* target) const;
  /// Forgets all; what is being added is given up soon.
  void clear();
  [[nodiscard]] SeedUsage usage() const;

 private:
  struct File {  // its bytes have the places [start, start of the next file)
    std::uint64_t start = 0;
    std::string path{};
  };
  struct Place {
    std::string path{};
    std::uint64_t offset = 0;
  };

  struct Window {  // chunks that begin at these offsets of a file
    std::vector<std::uint64_t> offsets{};
    std::vector<ByteSpan> bytes{};
  };

  Result<std::uint64_t> placeFor(const std::string& path, std::uint64_t bytes, std::uint64_t generation);
  /// Gives how many chunks it has.
  Result<std::uint64_t> cut(const Descriptor& file, std::uint64_t start, std::uint64_t bytes, std::uint64_t generation);
  Status insert(const Window& window, std::uint64_t start, std::uint64_t generation);
  /// The file that was added last gave nothing.
  void leaveOut(std::uint64_t start, std::uint64_t generation);
  [[nodiscard]] std::vector<Place> placesOf(const RecipeHash& hash) const;

  const ChunkerParameters chunker_;
  const ChunkKey identityKey_;
  std::atomic<std::uint64_t> generation_ = 0;
  std::atomic<std::uint64_t> bytesRead_ = 0;
  std::uint64_t lastStart_ = UINT64_MAX;  // of the file that a chunk was inserted of last
  mutable std::shared_mutex mutex_{};
  std::unique_ptr<ChunkIndex> index_ = std::make_unique<ChunkIndex>();  // of places: all files one behind the other
  std::vector<File> files_{};
  std::uint64_t end_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t pathBytes_ = 0;
  std::uint64_t filesSeen_ = 0;
};

}  // namespace packetfs
