// See hash_many.h: the lanes are those of the library's kernels, which want alike leaves in all lanes of a call; with
// AVX-512 they are our own (hash_many_wide.cc).
#include "hash_many.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "../simd/simd.h"
#include "hash_many_ways.h"
#include "hash_tree.h"

namespace packetfs {
namespace {

constexpr std::size_t kBlocksOfLeaf = kLeafBytes / BLAKE3_BLOCK_LEN;

constexpr std::size_t kKernelLanes[] = {0, 1, 4, 8, 16};

/// Of fewer inputs the library's lanes over the leaves of each are as fast.
constexpr std::size_t kWorthLanes = 8;
constexpr std::size_t kWorthWideLanes = 2;

using KeyWords = std::array<std::uint32_t, 8>;

/// Equal messages for many lanes: what they read, and where each result goes.
class LibraryLanes {
 public:
  explicit LibraryLanes(const KeyWords& key) : key_(key) {}

  void add(const std::uint8_t* message, std::uint8_t* result) {
    messages_.push_back(message);
    results_.push_back(result);
  }

  void run(std::size_t blocks, std::uint64_t counter, int flags, int first = 0, int last = 0) {
    // Kernels have 16, 8, 4 lanes and 1, and take about as long for one as for all: better some do what nobody needs.
    const std::size_t rest = messages_.size() % blake3_simd_degree();
    messages_.resize(messages_.size() - rest + *std::ranges::lower_bound(kKernelLanes, rest), messages_.front());
    output_.resize(messages_.size() * kValueBytes);
    blake3_hash_many(messages_.data(), messages_.size(), blocks, key_.data(), counter, false,
                     static_cast<std::uint8_t>(flags), static_cast<std::uint8_t>(first),
                     static_cast<std::uint8_t>(last), output_.data());
    for (std::size_t i = 0; i < results_.size(); i++) {
      std::memcpy(results_[i], output_.data() + i * kValueBytes, kValueBytes);
    }
    messages_.clear();
    results_.clear();
  }

  void addJoint(const std::uint8_t* values, std::uint8_t* result) { add(values, result); }

  void runJoints(int flags) { run(1, 0, flags); }

  [[nodiscard]] bool empty() const { return messages_.empty(); }

 private:
  const KeyWords& key_;
  std::vector<const std::uint8_t*> messages_{};
  std::vector<std::uint8_t*> results_{};
  std::vector<std::uint8_t> output_{};
};

/// A last leaf that is not full.
void hashPartialLeaf(const KeyWords& key, ByteSpan leaf, std::uint64_t counter, std::uint8_t* result) {
  KeyWords value = key;
  for (std::size_t start = 0; start < leaf.size(); start += BLAKE3_BLOCK_LEN) {
    const std::size_t length = std::min<std::size_t>(BLAKE3_BLOCK_LEN, leaf.size() - start);
    std::uint8_t block[BLAKE3_BLOCK_LEN] = {};
    std::memcpy(block, leaf.data() + start, length);
    const int flags = KEYED_HASH | (start == 0 ? CHUNK_START : 0) | (start + length == leaf.size() ? CHUNK_END : 0);
    blake3_compress_in_place(value.data(), block, static_cast<std::uint8_t>(length), counter,
                             static_cast<std::uint8_t>(flags));
  }
  store_cv_words(result, value.data());
}

void hashLeaves(const KeyWords& key, std::span<const ByteSpan> inputs, std::span<const Tree> trees,
                LibraryLanes& lanes) {
  std::size_t most = 0;
  for (const Tree& tree : trees) most = std::max(most, tree.count);
  for (std::size_t leaf = 0; leaf < most; leaf++) {
    const std::size_t start = leaf * kLeafBytes;
    for (std::size_t i = 0; i < inputs.size(); i++) {
      if (leaf >= trees[i].count) continue;
      std::uint8_t* result = trees[i].value(leaf);
      const ByteSpan rest = inputs[i].subspan(start);
      if (rest.size() >= kLeafBytes) {
        lanes.add(rest.data(), result);
      } else {
        hashPartialLeaf(key, rest, leaf, result);
      }
    }
    if (!lanes.empty()) lanes.run(kBlocksOfLeaf, leaf, KEYED_HASH, CHUNK_START, CHUNK_END);
  }
}

}  // namespace

void blake3KeyedMany(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes) {
#if defined(__x86_64__)
  if (inputs.size() >= kWorthWideLanes && activeSimd() == Simd::kAvx512) {
    blake3KeyedManyWide(key, inputs, hashes);
    return;
  }
#endif
  blake3KeyedManyByLibrary(key, inputs, hashes);
}

void blake3KeyedManyByLibrary(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes) {
  const bool isWorthLanes = inputs.size() >= kWorthLanes && blake3_simd_degree() > 1;
  std::vector<ByteSpan> large;
  std::vector<Hash256*> results;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (isWorthLanes && inputs[i].size() > kLeafBytes) {
      large.push_back(inputs[i]);
      results.push_back(&hashes[i]);
    } else {
      hashes[i] = blake3Keyed(key, inputs[i].data(), inputs[i].size());
    }
  }
  if (large.empty()) return;
  KeyWords words{};
  load_key_words(key.data(), words.data());
  LibraryLanes lanes(words);
  std::vector<std::uint8_t> values;
  std::vector<Tree> trees = treesOf(large, values);
  hashLeaves(words, large, trees, lanes);
  joinTrees(trees, results, lanes);
}

}  // namespace packetfs
