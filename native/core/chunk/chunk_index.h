// The chunk index (DESIGN §3): 64-byte lines of 6 slots {8-bit tag, 16-bit tag, 48-bit location}, load at most 0.8,
// about 13.3 bytes a chunk. A location is segment ordinal (20 bits, a number local to this process) · offset (28 bits).
// The index only proposes: the caller compares the full hash in the chunk table. Not thread-safe: the blob locks.
// Layout: chunk_index_table.h. Where its memory is bounded, it keeps every second, fourth … hash, so that it finds less
// and never something wrong (docs/design/0087).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "hash.h"

namespace packetfs {

class ChunkIndex {
 public:
  explicit ChunkIndex(std::uint64_t memoryBytesMax = UINT64_MAX);
  ~ChunkIndex();
  ChunkIndex(const ChunkIndex&) = delete;
  ChunkIndex& operator=(const ChunkIndex&) = delete;

  /// Adds a location (below 2^48) for a hash; grows by a quarter when the load passes 0.8, from the slots alone.
  /// (hash, location) is kept once, unless its hash is not among those that are kept. False when an entry had to be
  /// dropped (no memory, or too many equal hashes), which is counted and costs a match later, nothing else.
  bool insert(const Hash256& hash, std::uint64_t location);
  /// Room for so many entries more, made in one step: before a known number of insertions.
  void reserve(std::uint64_t entries);
  /// Calls `candidate` with each location whose tags match until it returns true; returns whether one did.
  bool find(const Hash256& hash, const std::function<bool(std::uint64_t location)>& candidate) const;
  void erase(const Hash256& hash, std::uint64_t location);
  /// Visits the entries of `count` lines from `first` on, with the first 44 bits of their hashes; false past the end.
  bool visit(std::size_t first, std::size_t count,
             const std::function<void(std::uint64_t hashBits, std::uint64_t location)>& entry) const;
  /// What visit() gives for a hash.
  static std::uint64_t bitsOf(const Hash256& hash);
  /// Grows with every reorganisation: a row of visits is whole while it stays.
  [[nodiscard]] std::size_t lines() const;
  /// Prefetches the line of a hash, for batched probes.
  void prefetch(const Hash256& hash) const;

  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t memoryBytes() const;
  /// One in so many hashes is kept: 1, 2, 4 … 256.
  [[nodiscard]] std::uint32_t oneIn() const;
  /// This hash is among those that are kept.
  [[nodiscard]] bool keeps(const Hash256& hash) const;
  /// Entries that found no place since the start.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace packetfs
