// See stretches.h.
#include "stretches.h"

#include <algorithm>

namespace packetfs {
namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

/// The first page boundary of the file at or after a position of the window.
std::size_t Stretches::nextPage(std::size_t position) const {
  return position + static_cast<std::size_t>(-(window_.fileOffset + position) % kPageBytes);
}

std::size_t Stretches::endOfZeroPages(std::size_t position) const {
  if (nextPage(position) != position) return position;
  while (position + kPageBytes <= window_.length && isZero(window_.bytes + position, kPageBytes))
    position += kPageBytes;
  return position;
}

std::size_t Stretches::startOfZeroPages(std::size_t position) const {
  for (std::size_t page = nextPage(position); page + kPageBytes <= available(); page += kPageBytes) {
    // A page that only begins in the window is not taken as a hole by endOfZeroPages, so it ends nothing.
    const bool straddles = page < window_.length && page + kPageBytes > window_.length;
    if (!straddles && page > position && isZero(window_.bytes + page, kPageBytes)) return page;
  }
  return available();
}

bool Stretches::decidable(std::size_t position, std::size_t stretchEnd) const {
  if (window_.final || stretchEnd < available()) return true;
  const std::size_t wholePages = (window_.fileOffset + available()) % kPageBytes;  // a page cut off may become zeros
  const std::size_t known = available() > wholePages ? available() - wholePages : 0;
  return known >= position + chunker_.maximum;
}

std::size_t Stretches::cutAt(std::size_t position, std::size_t stretchEnd) const {
  const std::size_t end = std::min(stretchEnd, window_.length);
  return std::min(nextCut(chunker_, window_.bytes + position, stretchEnd - position), end - position);
}

}  // namespace packetfs
