// What tests of literals as deltas share: two blobs, and sending from one to the other as the pusher does.
#pragma once
#include <algorithm>

#include "blob_support.h"

namespace packetfs::test {

using Bytes = std::vector<std::uint8_t>;

/// Every `step`-th byte is another, so that no chunk is the same and a delta is small.
inline Bytes touched(Bytes bytes, std::size_t from, std::size_t to, std::size_t step) {
  for (std::size_t i = from; i < std::min(to, bytes.size()); i += step)
    bytes[i] = static_cast<std::uint8_t>(bytes[i] + 1);
  return bytes;
}

inline LogPosition endOf(Blob& blob) {
  const auto held = blob.heldRanges(kLog).value;
  return held.empty() ? 0 : held.back().end;
}

inline void ingest(Blob& blob, const Bytes& bytes) { CHECK(blob.ingest(0, bytes.data(), bytes.size()).ok()); }

inline Result<Blob::Literal> store(Blob& blob, const Bytes& frame) {
  return blob.storeLiteral(kLog, frame.data(), frame.size(), false);
}

/// What the receiver, who has all up to a position, holds of these.
inline std::vector<AddressRange> heldThere(const std::vector<AddressRange>& old, LogPosition end) {
  std::vector<AddressRange> held;
  for (const AddressRange& range : old) {
    const BlobAddress last = std::min(range.end(), makeAddress(kLog, end));
    if (range.start < last) held.push_back({range.start, last - range.start});
  }
  return held;
}

/// Brings all from `start` on to the receiver as the pusher does, and returns the frames' bytes.
inline std::uint64_t send(Blob& sender, Blob& receiver, LogPosition start, std::vector<bool>& deltas) {
  std::uint64_t sent = 0;
  for (const LogPosition end = endOf(sender); start < end;) {
    const auto stretch = sender.replacedBy(kLog, start, end);
    CHECK(stretch.end > start && stretch.end <= end);
    auto literal = sender.packLiteral(kLog, start, stretch.end, 4 << 20, 3, heldThere(stretch.old, endOf(receiver)));
    CHECK(literal.ok());
    if (!literal.ok()) break;
    CHECK(store(receiver, literal.value.frame).ok());
    sent += literal.value.frame.size();
    deltas.push_back(literal.value.isDelta);
    start = literal.value.end;
  }
  return sent;
}

struct Pair {
  Scratch from{};
  Scratch to{};
  std::shared_ptr<Blob> sender = openBlob(from.path()).blob;
  std::shared_ptr<Blob> receiver = openBlob(to.path(), false).blob;
  std::vector<bool> deltas{};

  std::uint64_t sendFrom(LogPosition start) {
    deltas.clear();
    return send(*sender, *receiver, start, deltas);
  }
  [[nodiscard]] bool areEqual() const { return fileBytes(dataPath(from.path())) == fileBytes(dataPath(to.path())); }
};

}  // namespace packetfs::test
