// See hash_many_ways.h.
#if defined(__x86_64__)
#include "hash_many_ways.h"

#include "hash_lanes.h"
#include "hash_tree.h"

namespace packetfs {
namespace {

class WideLanes {
 public:
  /// `leaves` of all inputs, of which each has one that is not full.
  WideLanes(const ChunkKey& key, std::size_t leaves, std::size_t inputs) : padding_(inputs * kLeafBytes) {
    load_key_words(key.data(), key_);
    inputs_.reserve(leaves);
  }

  void addLeaf(ByteSpan leaf, std::uint64_t counter, std::uint32_t flags, std::uint8_t* result) {
    const std::uint8_t* bytes = leaf.data();
    if (leaf.size() < kLeafBytes) {  // zeros follow it in a copy: the lanes beside it may be longer
      bytes = padding_.data() + padded_;
      std::copy(leaf.begin(), leaf.end(), padding_.data() + padded_);
      padded_ += kLeafBytes;
    }
    const std::size_t blocks = std::max<std::size_t>(1, (leaf.size() + BLAKE3_BLOCK_LEN - 1) / BLAKE3_BLOCK_LEN);
    const std::size_t last = leaf.size() - (blocks - 1) * BLAKE3_BLOCK_LEN;
    inputs_.push_back({bytes, counter, static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(last),
                       CHUNK_END | flags, result});
  }

  void runLeaves() {
    hashLeavesAvx512(key_, KEYED_HASH, inputs_);
    inputs_.clear();
  }

  void addJoint(const std::uint8_t* values, std::uint8_t* result) {
    inputs_.push_back({.bytes = values, .result = result});
  }

  void runJoints(std::uint32_t flags) {
    hashJointsAvx512(key_, flags, inputs_);
    inputs_.clear();
  }

 private:
  std::uint32_t key_[8]{};
  std::vector<LaneInput> inputs_{};
  std::vector<std::uint8_t> padding_;
  std::size_t padded_ = 0;
};

}  // namespace

void blake3KeyedManyWide(const ChunkKey& key, std::span<const ByteSpan> inputs, std::span<Hash256> hashes) {
  std::vector<std::uint8_t> values;
  const std::vector<Tree> trees = treesOf(inputs, values);
  WideLanes lanes(key, values.size() / kValueBytes, inputs.size());
  std::vector<Tree> large;
  std::vector<Hash256*> results;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const ByteSpan input = inputs[i];
    if (input.size() <= kLeafBytes) {
      lanes.addLeaf(input, 0, ROOT, hashes[i].data());
      continue;
    }
    large.push_back(trees[i]);
    results.push_back(&hashes[i]);
    for (std::size_t leaf = 0; leaf < trees[i].count; leaf++) {
      const std::size_t start = leaf * kLeafBytes;
      lanes.addLeaf(input.subspan(start, std::min(kLeafBytes, input.size() - start)), leaf, 0, trees[i].value(leaf));
    }
  }
  lanes.runLeaves();
  joinTrees(large, results, lanes);
}

}  // namespace packetfs
#endif
