// What chunks that are alike have in common (after Odess: Zou et al., "The Dilemma between Deduplication and Locality",
// 2021): of the words of 8 bytes at some positions, chosen by content, the greatest under 16 hashes; four times four of
// these make a number. Two chunks that share a fraction r of those words have a given number in common with r^4.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace packetfs {

constexpr std::size_t kSketchNumbers = 4;
using Sketch = std::array<std::uint64_t, kSketchNumbers>;

/// The same on every machine. Nothing for chunks that are too short, or have too little in them, to be told from
/// others.
std::optional<Sketch> sketchOf(const std::uint8_t* bytes, std::size_t length);

}  // namespace packetfs
