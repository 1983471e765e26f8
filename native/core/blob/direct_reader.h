// Reads a file past the page cache: O_DIRECT where the filesystem has it, else plain reads whose pages are dropped
// afterwards. For scrub, which must see the disk and not evict what others use.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "../base/file.h"

namespace packetfs {

class DirectReader {
 public:
  static constexpr std::size_t kBlockBytes = 1U << 20;
  static constexpr std::size_t kAlignment = 4096;

  static Result<DirectReader> open(const std::string& path);

  /// Up to `length` bytes (at most kBlockBytes - kAlignment) from `offset`; shorter at the end of the file. Valid until
  /// the next call.
  Result<std::span<const std::uint8_t>> read(std::uint64_t offset, std::size_t length);

 private:
  struct Release {
    void operator()(std::uint8_t* memory) const { std::free(memory); }
  };
  DirectReader(Descriptor file, bool direct);

  Descriptor file_;
  bool direct_;
  std::unique_ptr<std::uint8_t, Release> block_;
  std::uint64_t blockOffset_ = 0;
  std::size_t blockLength_ = 0;

 public:
  DirectReader() : DirectReader(Descriptor(), false) {}
};

}  // namespace packetfs
