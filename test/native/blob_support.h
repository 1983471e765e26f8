// What the tests of blob and content share: a volume's fixed keys, a scratch directory, opening a blob with one log.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "../../native/core/blob/blob.h"
#include "check.h"

namespace packetfs::test {

class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pfs-blob-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr const char* kLogName = "example-1";
constexpr LogNumber kLog = 1;

inline BlobOptions blobOptions(const std::string& directory) {
  BlobOptions options;
  options.directory = directory;
  for (std::size_t i = 0; i < 16; i++) options.volumeId[i] = static_cast<std::uint8_t>(i);
  options.identityKey.fill(0x2a);
  options.chunker = {8192, 24576, 2654435761U, 12345};
  return options;
}

struct OpenedBlob {
  std::shared_ptr<Blob> blob{};
  std::vector<SegmentState> segments{};
};

/// Opens the blob with log kLog; appends to it unless told otherwise.
inline OpenedBlob openBlob(const std::string& directory, bool append = true, const char* name = kLogName) {
  OpenedBlob opened;
  auto blob = Blob::open(blobOptions(directory));
  CHECK(blob.ok());
  opened.blob = blob.value;
  auto segments = opened.blob->openLog(kLog, name);
  CHECK(segments.ok());
  opened.segments = segments.value;
  if (append) CHECK(opened.blob->setAppendLog(kLog).ok());
  return opened;
}

inline std::string tablePath(const std::string& directory) { return directory + "/example-1/00000.chunks"; }
inline std::string dataPath(const std::string& directory) { return directory + "/example-1/00000.data"; }

inline std::vector<std::uint8_t> fileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void flipByte(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x55));
}

/// Reads what extents say, as a file of `size` bytes.
inline std::vector<std::uint8_t> readBack(Blob& blob, const ExtentList& extents, std::size_t size) {
  std::vector<std::uint8_t> bytes(size, 0xee);
  CHECK(blob.readExtents(extents.data(), extents.size(), 0, bytes.data(), size).ok());
  return bytes;
}

/// What lies in the files below where `runs` say.
inline std::vector<std::uint8_t> bytesOfRuns(const std::vector<StoredRun>& runs) {
  std::vector<std::uint8_t> bytes;
  for (const StoredRun& run : runs) {
    const std::size_t start = bytes.size();
    bytes.resize(start + run.length);
    const ssize_t count = ::pread(run.fd, bytes.data() + start, run.length, static_cast<off_t>(run.offset));
    CHECK(count == static_cast<ssize_t>(run.length));
  }
  return bytes;
}

/// Ends of the chunks that extents refer to, as offsets in the file; holes end at their end.
inline std::vector<std::uint32_t> chunkEnds(Blob& blob, const ExtentList& extents) {
  std::vector<std::uint32_t> ends;
  for (const Extent& extent : extents) {
    if (extent.address == kHole) {
      ends.push_back(static_cast<std::uint32_t>(extent.fileOffset + extent.length));
      continue;
    }
    for (std::uint64_t done = 0; done < extent.length;) {
      auto chunk = blob.chunkAt(extent.address + done);
      CHECK(chunk.ok());
      if (!chunk.ok()) return ends;
      done += chunk.value.length;
      ends.push_back(static_cast<std::uint32_t>(extent.fileOffset + done));
    }
  }
  return ends;
}

}  // namespace packetfs::test
