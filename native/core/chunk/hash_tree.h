// The trees over the leaves of several inputs (BLAKE3, section 2.1): pairing neighbours level by level, the odd one
// going up as it is, gives the same tree as splitting at the greatest power of two.
#pragma once
#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "hash_many.h"

extern "C" {  // the library's own header of its parts has none
#include <blake3_impl.h>
}

namespace packetfs {

constexpr std::size_t kLeafBytes = BLAKE3_CHUNK_LEN;
constexpr std::size_t kValueBytes = BLAKE3_OUT_LEN;  // a chaining value

/// The chaining values of one input, in order; those of a level take the place of the level below.
struct Tree {
  std::uint8_t* values = nullptr;
  std::size_t count = 0;

  [[nodiscard]] std::uint8_t* value(std::size_t index) const { return values + index * kValueBytes; }
};

inline std::size_t leavesOf(ByteSpan input) {
  return std::max<std::size_t>(1, (input.size() + kLeafBytes - 1) / kLeafBytes);
}

/// The trees of inputs, whose values lie one behind the other in `values`.
inline std::vector<Tree> treesOf(std::span<const ByteSpan> inputs, std::vector<std::uint8_t>& values) {
  std::vector<Tree> trees;
  trees.reserve(inputs.size());
  std::size_t leaves = 0;
  for (const ByteSpan input : inputs) {
    trees.push_back({nullptr, leavesOf(input)});
    leaves += trees.back().count;
  }
  values.resize(leaves * kValueBytes);
  std::uint8_t* next = values.data();
  for (Tree& tree : trees) {
    tree.values = next;
    next += tree.count * kValueBytes;
  }
  return trees;
}

/// Joins neighbours until one value is left of each, the hash. All have two leaves at least. `lanes.addJoint(values,
/// result)` asks for the value over two neighbouring ones, `lanes.runJoints(flags)` computes what was asked for.
template <typename Lanes>
void joinTrees(std::span<Tree> trees, std::span<Hash256* const> hashes, Lanes& lanes) {
  for (bool again = true; again;) {
    again = false;
    for (Tree& tree : trees) {
      if (tree.count <= 2) continue;
      for (std::size_t pair = 0; pair < tree.count / 2; pair++) lanes.addJoint(tree.value(2 * pair), tree.value(pair));
      again = true;
    }
    if (again) lanes.runJoints(KEYED_HASH | PARENT);
    for (Tree& tree : trees) {
      if (tree.count <= 2) continue;
      const std::size_t pairs = tree.count / 2;
      if (tree.count % 2 == 1) std::memmove(tree.value(pairs), tree.value(2 * pairs), kValueBytes);
      tree.count = pairs + tree.count % 2;
    }
  }
  for (std::size_t i = 0; i < trees.size(); i++) lanes.addJoint(trees[i].value(0), hashes[i]->data());
  if (!trees.empty()) lanes.runJoints(KEYED_HASH | PARENT | ROOT);
}

}  // namespace packetfs
