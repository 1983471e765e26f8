// mincdc-h4 (chunker.h): the rules of cutting; the search for the minimum is a kernel per instruction set.
#include "chunker.h"

#include <algorithm>

#include "../simd/simd.h"
#include "chunker_kernels.h"

namespace packetfs {

namespace {

FindMinimum chooseKernel() {
  switch (activeSimd()) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return findMinimumAvx512;
    case Simd::kAvx2:
      return findMinimumAvx2;
#endif
    default:
      return findMinimumPortable;
  }
}

}  // namespace

Status validate(const ChunkerParameters& parameters) {
  if (parameters.minimum < kChunkBytesLeast || parameters.maximum > kChunkBytesMost) {
    return Status::failure(EINVAL, "chunk sizes must lie between 64 bytes and 1 MiB");
  }
  if (parameters.minimum >= parameters.maximum) {
    return Status::failure(EINVAL, "the minimum chunk size must be below the maximum");
  }
  if (parameters.multiplier % 2 == 0) return Status::failure(EINVAL, "the chunker's multiplier must be odd");
  return Status::success();
}

std::size_t nextCut(const ChunkerParameters& parameters, const std::uint8_t* bytes, std::size_t length) {
  static const FindMinimum findMinimum = chooseKernel();
  if (length <= parameters.minimum) return length;
  const std::size_t last = std::min<std::size_t>(length, parameters.maximum);
  return findMinimum({parameters.multiplier, parameters.addend}, bytes, parameters.minimum, last);
}

std::vector<std::uint32_t> cutAll(const ChunkerParameters& parameters, const std::uint8_t* bytes, std::size_t length) {
  std::vector<std::uint32_t> ends;
  ends.reserve(length / ((parameters.minimum + parameters.maximum) / 2) + 2);
  for (std::size_t start = 0; start < length;) {
    start += nextCut(parameters, bytes + start, length - start);
    ends.push_back(static_cast<std::uint32_t>(start));
  }
  return ends;
}

}  // namespace packetfs
