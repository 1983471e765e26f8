// How long a blob takes to open: tables of many segments are made, with data files that are holes, and opened as a
// daemon does, from the page cache and from the disk. Usage: restart DIRECTORY CHUNKS. Prints `name value` lines.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

#include "../../native/core/blob/blob.h"
#include "../../native/core/blob/table_format.h"
#include "timing.h"

namespace packetfs::bench {
namespace {

constexpr const char* kLogName = "restart-1";
constexpr LogNumber kLog = 1;
constexpr std::uint32_t kChunkBytes = 16U << 10;
constexpr std::uint32_t kChunksOfSegment = kSegmentDataBytesMax / kChunkBytes;

BlobOptions optionsOf(const std::string& directory) {
  BlobOptions options;
  options.directory = directory;
  options.chunker = {.multiplier = 2654435761U, .addend = 12345};
  return options;
}

void write(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.good()) {
    std::perror(path.c_str());
    std::exit(1);
  }
}

void makeSegment(const BlobOptions& options, std::uint32_t number, std::uint32_t chunks) {
  const TableIdentity identity{options.volumeId, chunkerId(options.identityKey, options.chunker), kLogName, number};
  std::vector<std::uint8_t> table(slotOffset(chunks + 1));
  encodeHeader(identity, table.data());
  encodeSyncMark(chunks, table.data() + kSyncMarkOffset);
  std::vector<Hash256> hashes;
  for (std::uint32_t slot = 0; slot < chunks; slot++) {
    TableRecord record{.offset = slot * kChunkBytes, .length = kChunkBytes};
    const std::uint64_t seed = (std::uint64_t{number} << 32) | slot;
    record.hash = blake3(reinterpret_cast<const std::uint8_t*>(&seed), sizeof seed);
    encodeRecord(record, table.data() + slotOffset(slot));
    hashes.push_back(record.hash);
  }
  const TableFooter footer{chunks, chunks * kChunkBytes, merkleRoot(options.identityKey, std::move(hashes))};
  encodeFooter(footer, table.data() + slotOffset(chunks));
  char name[16];
  std::snprintf(name, sizeof name, "%05x", number);
  const std::string path = options.directory + "/" + kLogName + "/" + name;
  write(path + ".chunks", table);
  write(path + ".data", {});
  std::filesystem::resize_file(path + ".data", std::uint64_t{chunks} * kChunkBytes);
}

double openSeconds(const BlobOptions& options, std::uint64_t chunks) {
  std::shared_ptr<Blob> blob;
  const double seconds = secondsOf([&] {
    auto opened = Blob::open(options);
    if (!opened.ok()) std::exit(1);
    blob = opened.value;
    if (auto log = blob->openLog(kLog, kLogName); !log.ok()) {
      std::fprintf(stderr, "restart: %s\n", log.status.what.c_str());
      std::exit(1);
    }
  });
  if (blob->index().chunks != chunks) {
    std::fprintf(stderr, "restart: %llu chunks are in the index\n",
                 static_cast<unsigned long long>(blob->index().chunks));
    std::exit(1);
  }
  return seconds;
}

/// Root alone may; false for others.
bool dropCaches() {
  ::sync();
  std::ofstream file("/proc/sys/vm/drop_caches");
  file << "3\n";
  return file.flush().good();
}

int run(std::span<char* const> arguments) {
  if (arguments.size() != 3) {
    std::fprintf(stderr, "usage: restart DIRECTORY CHUNKS\n");
    return 2;
  }
  const BlobOptions options = optionsOf(arguments[1]);
  const std::uint64_t chunks = std::strtoull(arguments[2], nullptr, 10);
  std::filesystem::create_directories(options.directory + "/" + kLogName);
  std::uint32_t number = 0;
  for (std::uint64_t made = 0; made < chunks; number++) {
    const auto here = static_cast<std::uint32_t>(std::min<std::uint64_t>(kChunksOfSegment, chunks - made));
    makeSegment(options, number, here);
    made += here;
  }
  std::printf("restart-seconds %.6g\n", openSeconds(options, chunks));
  if (dropCaches()) std::printf("restart-seconds-from-disk %.6g\n", openSeconds(options, chunks));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("restart-resident-bytes-per-chunk %.6g\n",
              static_cast<double>(usage.ru_maxrss) * 1024 / static_cast<double>(chunks));
  return 0;
}

}  // namespace
}  // namespace packetfs::bench

int main(int count, char** arguments) { return packetfs::bench::run({arguments, static_cast<std::size_t>(count)}); }
