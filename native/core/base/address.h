// Addresses and extents as DESIGN §1 defines them; the twin of src/base/units.ts.
#pragma once
#include <cstdint>
#include <vector>

namespace packetfs {

using BlobAddress = std::uint64_t;  // log (16) · segment (20) · offset (28)
using LogNumber = std::uint16_t;
using LogPosition = std::uint64_t;  // segment (20) · offset (28)

constexpr BlobAddress kHole = UINT64_MAX;
constexpr unsigned kOffsetBits = 28;
constexpr unsigned kPositionBits = 48;
constexpr std::uint64_t kSegmentBytes = 1ULL << kOffsetBits;

constexpr BlobAddress makeAddress(LogNumber log, LogPosition position) {
  return (static_cast<BlobAddress>(log) << kPositionBits) | position;
}
constexpr LogPosition makePosition(std::uint32_t segment, std::uint32_t offset) {
  return (static_cast<LogPosition>(segment) << kOffsetBits) | offset;
}
constexpr LogNumber logOf(BlobAddress address) { return static_cast<LogNumber>(address >> kPositionBits); }
constexpr LogPosition positionOf(BlobAddress address) { return address & ((1ULL << kPositionBits) - 1); }
constexpr std::uint32_t segmentOf(BlobAddress address) {
  return static_cast<std::uint32_t>(positionOf(address) >> kOffsetBits);
}
constexpr std::uint32_t offsetOf(BlobAddress address) {
  return static_cast<std::uint32_t>(address & (kSegmentBytes - 1));
}

/// A stretch of a file: `length` bytes from `fileOffset` on are at `address`, or zeros when it is kHole.
struct Extent {
  std::uint64_t fileOffset = 0;
  std::uint64_t length = 0;
  BlobAddress address = kHole;
};
using ExtentList = std::vector<Extent>;  // sorted, not overlapping, gaps are holes

}  // namespace packetfs
