// How one window of a file is cut (DESIGN §3): whole pages of zeros are holes, the stretches between them are chunks.
// Whoever cuts a file by this, window by window, finds the same chunks, wherever the windows end.
#pragma once
#include <cstddef>

#include "blob.h"

namespace packetfs {

class Stretches {
 public:
  Stretches(const ChunkerParameters& chunker, const IngestWindow& window) : chunker_(chunker), window_(window) {}

  /// The end of the zero pages that begin at a position of the window, or the position.
  [[nodiscard]] std::size_t endOfZeroPages(std::size_t position) const;
  /// Where the bytes from `position` on meet a page of zeros, or end.
  [[nodiscard]] std::size_t startOfZeroPages(std::size_t position) const;
  /// False when bytes that are yet to come could change the next cut.
  [[nodiscard]] bool decidable(std::size_t position, std::size_t stretchEnd) const;
  /// Length of the chunk that begins at a position of the stretch; it ends with the window at the latest.
  [[nodiscard]] std::size_t cutAt(std::size_t position, std::size_t stretchEnd) const;

 private:
  [[nodiscard]] std::size_t available() const { return window_.length + window_.lookahead; }
  [[nodiscard]] std::size_t nextPage(std::size_t position) const;

  const ChunkerParameters& chunker_;
  const IngestWindow& window_;
};

}  // namespace packetfs
