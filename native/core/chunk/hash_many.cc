// See hash_many.h. The tree is that of the BLAKE3 specification, section 2.1: pairing neighbours level by level, the
// odd one going up as it is, gives the same tree as splitting at the greatest power of two.
#include "hash_many.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

extern "C" {  // the library's own header of its parts has none
#include <blake3_impl.h>
}

namespace packetfs {
namespace {

constexpr std::size_t kLeafBytes = BLAKE3_CHUNK_LEN;
constexpr std::size_t kBlocksOfLeaf = kLeafBytes / BLAKE3_BLOCK_LEN;
constexpr std::size_t kValueBytes = BLAKE3_OUT_LEN;  // a chaining value

constexpr std::size_t kKernelLanes[] = {0, 1, 4, 8, 16};

/// Of fewer inputs the library's lanes over the leaves of each are as fast.
constexpr std::size_t kWorthLanes = 8;

using KeyWords = std::array<std::uint32_t, 8>;

/// The chaining values of one input, in order; those of a level take the place of the level below.
struct Tree {
  std::vector<std::uint8_t> values{};
  std::size_t count = 0;
};

/// Equal messages for many lanes: what they read, and where each result goes.
class Lanes {
 public:
  void add(const std::uint8_t* message, std::uint8_t* result) {
    messages_.push_back(message);
    results_.push_back(result);
  }

  void run(const KeyWords& key, std::size_t blocks, std::uint64_t counter, int flags, int first = 0, int last = 0) {
    // Kernels have 16, 8, 4 lanes and 1, and take about as long for one as for all: better some do what nobody needs.
    const std::size_t rest = messages_.size() % blake3_simd_degree();
    messages_.resize(messages_.size() - rest + *std::ranges::lower_bound(kKernelLanes, rest), messages_.front());
    output_.resize(messages_.size() * kValueBytes);
    blake3_hash_many(messages_.data(), messages_.size(), blocks, key.data(), counter, false,
                     static_cast<std::uint8_t>(flags), static_cast<std::uint8_t>(first),
                     static_cast<std::uint8_t>(last), output_.data());
    for (std::size_t i = 0; i < results_.size(); i++) {
      std::memcpy(results_[i], output_.data() + i * kValueBytes, kValueBytes);
    }
    messages_.clear();
    results_.clear();
  }

  [[nodiscard]] bool empty() const { return messages_.empty(); }

 private:
  std::vector<const std::uint8_t*> messages_{};
  std::vector<std::uint8_t*> results_{};
  std::vector<std::uint8_t> output_{};
};

std::size_t leavesOf(ByteSpan input) { return (input.size() + kLeafBytes - 1) / kLeafBytes; }

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

void hashLeaves(const KeyWords& key, std::span<const ByteSpan> inputs, std::span<Tree> trees, Lanes& lanes) {
  std::size_t most = 0;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    trees[i].count = leavesOf(inputs[i]);
    trees[i].values.resize(trees[i].count * kValueBytes);
    most = std::max(most, trees[i].count);
  }
  for (std::size_t leaf = 0; leaf < most; leaf++) {
    const std::size_t start = leaf * kLeafBytes;
    for (std::size_t i = 0; i < inputs.size(); i++) {
      if (leaf >= trees[i].count) continue;
      std::uint8_t* result = trees[i].values.data() + leaf * kValueBytes;
      const ByteSpan rest = inputs[i].subspan(start);
      if (rest.size() >= kLeafBytes) {
        lanes.add(rest.data(), result);
      } else {
        hashPartialLeaf(key, rest, leaf, result);
      }
    }
    if (!lanes.empty()) lanes.run(key, kBlocksOfLeaf, leaf, KEYED_HASH, CHUNK_START, CHUNK_END);
  }
}

/// Joins neighbours until two values are left of each.
void joinLevels(const KeyWords& key, std::span<Tree> trees, Lanes& lanes) {
  for (bool again = true; again;) {
    again = false;
    for (Tree& tree : trees) {
      if (tree.count <= 2) continue;
      for (std::size_t pair = 0; pair < tree.count / 2; pair++) {
        lanes.add(tree.values.data() + 2 * pair * kValueBytes, tree.values.data() + pair * kValueBytes);
      }
      again = true;
    }
    if (!lanes.empty()) lanes.run(key, 1, 0, KEYED_HASH | PARENT);
    for (Tree& tree : trees) {
      if (tree.count <= 2) continue;
      const std::size_t pairs = tree.count / 2;
      if (tree.count % 2 == 1) {
        std::uint8_t* values = tree.values.data();
        std::memmove(values + pairs * kValueBytes, values + 2 * pairs * kValueBytes, kValueBytes);
      }
      tree.count = pairs + tree.count % 2;
    }
  }
}

}  // namespace

void blake3KeyedMany(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes) {
  if (inputs.size() < kWorthLanes || blake3_simd_degree() == 1) {
    for (std::size_t i = 0; i < inputs.size(); i++) hashes[i] = blake3Keyed(key, inputs[i].data(), inputs[i].size());
    return;
  }
  KeyWords words{};
  load_key_words(key.data(), words.data());
  thread_local std::vector<Tree> trees;
  thread_local std::vector<ByteSpan> large;
  thread_local std::vector<std::size_t> places;
  thread_local Lanes lanes;
  large.clear();
  places.clear();
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (inputs[i].size() <= kLeafBytes) {  // its only leaf is the root
      hashes[i] = blake3Keyed(key, inputs[i].data(), inputs[i].size());
    } else {
      large.push_back(inputs[i]);
      places.push_back(i);
    }
  }
  if (trees.size() < large.size()) trees.resize(large.size());
  const std::span<Tree> used(trees.data(), large.size());
  hashLeaves(words, large, used, lanes);
  joinLevels(words, used, lanes);
  for (std::size_t i = 0; i < large.size(); i++) lanes.add(used[i].values.data(), hashes[places[i]].data());
  if (!lanes.empty()) lanes.run(words, 1, 0, KEYED_HASH | PARENT | ROOT);
}

}  // namespace packetfs
