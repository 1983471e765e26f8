// The stages of ingest and reading, each beside what bounds it, measured in one process in turn. Usage:
// stages DIRECTORY MEGABYTES SECONDS ENTRIES: a directory for a blob, the bytes of each stage (more than the caches
// hold), seconds for each, entries of the index (0: only what has kernels of ours). Prints `name value` lines, in bytes
// a second or as the name says.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "../../native/core/blob/blob.h"
#include "../../native/core/chunk/chunk_index.h"
#include "../../native/core/chunk/chunker.h"
#include "../../native/core/chunk/hash.h"
#include "../../native/core/chunk/hash_many.h"
#include "../../native/core/simd/simd.h"
#include "timing.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace packetfs::bench {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr ChunkerParameters kChunker{.multiplier = 2654435761U, .addend = 12345};
constexpr std::size_t kWindowBytes = 4U << 20;
constexpr std::size_t kSmallRead = 16U << 10;
constexpr std::size_t kLargeRead = 1U << 20;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kHashedAtOnce = 24;  // as in matcher.cc
constexpr LogNumber kLog = 1;

void print(const char* name, double value) {
  std::printf("%s %.6g\n", name, value);
  std::fflush(stdout);
}

[[noreturn]] void fail(const Status& status) {
  std::fprintf(stderr, "stages: %s\n", status.what.c_str());
  std::exit(1);
}

Bytes randomBytes(std::size_t length, std::uint64_t seed) {
  Bytes bytes(length);
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i + 8 <= length; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
  return bytes;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) std::uint64_t sumOf(const Bytes& bytes) {
  __m256i sums[4] = {};
  const auto* words = reinterpret_cast<const __m256i*>(bytes.data());
  const std::size_t count = bytes.size() / sizeof(__m256i) & ~std::size_t{3};
  for (std::size_t i = 0; i < count; i += 4) {
    for (std::size_t lane = 0; lane < 4; lane++) {
      sums[lane] = _mm256_add_epi64(sums[lane], _mm256_loadu_si256(words + i + lane));
    }
  }
  const __m256i sum = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3]));
  return static_cast<std::uint64_t>(_mm256_extract_epi64(sum, 0) + _mm256_extract_epi64(sum, 1));
}
#else
std::uint64_t sumOf(const Bytes& bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    sum += word;
  }
  return sum;
}
#endif

void measureLimits(const Bytes& bytes, double seconds) {
  const auto size = static_cast<double>(bytes.size());
  print("read", speedOf(size, seconds, [&] { use(sumOf(bytes)); }));
  Bytes target(bytes.size());
  print("copy", speedOf(size, seconds, [&] { std::memcpy(target.data(), bytes.data(), bytes.size()); }));
}

void measureChunking(const Bytes& bytes, double seconds) {
  const auto size = static_cast<double>(bytes.size());
  print("cut", speedOf(size, seconds, [&] { use(cutAll(kChunker, bytes.data(), bytes.size())); }));
  print("crc32c", speedOf(size, seconds, [&] { use(crc32c(bytes.data(), bytes.size())); }));
  const Bytes zeros(bytes.size());
  print("is-zero", speedOf(size, seconds, [&] { use(isZero(zeros.data(), zeros.size())); }));
}

void measureHashing(const Bytes& bytes, double seconds) {
  const auto block = static_cast<double>(kLargeRead);
  print("hash", speedOf(block, seconds, [&] { use(blake3(bytes.data(), kLargeRead)); }));
  const auto size = static_cast<double>(bytes.size());
  const ChunkKey key{};
  print("cut-and-hash", speedOf(size, seconds, [&] {
          std::vector<ByteSpan> chunks;
          std::vector<Hash256> hashes(kHashedAtOnce);
          for (std::size_t start = 0; start < bytes.size();) {
            chunks.clear();
            for (; chunks.size() < kHashedAtOnce && start < bytes.size(); start += chunks.back().size()) {
              const std::size_t length = nextCut(kChunker, bytes.data() + start, bytes.size() - start);
              chunks.emplace_back(bytes.data() + start, length);
            }
            blake3KeyedMany(key, chunks, std::span(hashes).first(chunks.size()));
            use(hashes);
          }
        }));
}

ExtentList ingestAll(Blob& blob, const Bytes& bytes) {
  IngestCursor cursor;
  ExtentList extents;
  for (std::size_t start = 0; start < bytes.size();) {
    const std::size_t length = std::min(kWindowBytes, bytes.size() - start);
    const bool final = start + length == bytes.size();
    auto consumed = blob.ingestWindow(
        cursor, {.fileOffset = start, .bytes = bytes.data() + start, .length = length, .final = final}, extents);
    if (!consumed.ok()) fail(consumed.status);
    start += consumed.value;
  }
  return extents;
}

/// Reads all bytes once, in pieces of `length` that lie in the blob in another order than in the file.
void readShuffled(Blob& blob, const ExtentList& pieces, Bytes& target) {
  Status status = blob.readExtents(pieces.data(), pieces.size(), 0, target.data(), target.size());
  if (!status.ok()) fail(status);
}

ExtentList shuffledPieces(const ExtentList& extents, std::size_t bytes, std::size_t length) {
  std::vector<BlobAddress> addresses;
  for (const Extent& extent : extents) {
    for (std::uint64_t start = 0; start + length <= extent.length; start += length)
      addresses.push_back(extent.address + start);
  }
  std::mt19937_64 random(7);
  std::shuffle(addresses.begin(), addresses.end(), random);
  ExtentList pieces;
  for (std::size_t start = 0; start + length <= bytes && pieces.size() < addresses.size(); start += length) {
    pieces.push_back({start, length, addresses[pieces.size()]});
  }
  return pieces;
}

void measureBlob(const std::string& directory, const Bytes& bytes, double seconds) {
  BlobOptions options;
  options.directory = directory;
  options.chunker = kChunker;
  auto opened = Blob::open(options);
  if (!opened.ok()) fail(opened.status);
  Blob& blob = *opened.value;
  if (auto log = blob.openLog(kLog, "stages-1"); !log.ok()) fail(log.status);
  if (Status status = blob.setAppendLog(kLog); !status.ok()) fail(status);
  const auto size = static_cast<double>(bytes.size());
  ExtentList extents;
  print("ingest", size / secondsOf([&] { extents = ingestAll(blob, bytes); }));
  print("ingest-known", speedOf(size, seconds, [&] { use(ingestAll(blob, bytes)); }));
  for (const auto& [name, length] : {std::pair{"gather-16k", kSmallRead}, std::pair{"gather-1m", kLargeRead}}) {
    const ExtentList pieces = shuffledPieces(extents, bytes.size(), length);
    Bytes target(pieces.size() * length);
    print(name, speedOf(static_cast<double>(target.size()), seconds, [&] { readShuffled(blob, pieces, target); }));
  }
}

Hash256 hashOf(std::uint64_t number) {
  std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15ULL;
  mixed ^= mixed >> 31;
  mixed *= 0xbf58476d1ce4e5b9ULL;
  mixed ^= mixed >> 29;
  Hash256 hash{};
  std::memcpy(hash.data(), &mixed, sizeof mixed);
  return hash;
}

void measureIndex(std::uint64_t entries, double seconds) {
  ChunkIndex index;
  index.reserve(entries);
  print("index-inserts", static_cast<double>(entries) / secondsOf([&] {
                           for (std::uint64_t i = 0; i < entries; i++) index.insert(hashOf(i), i);
                         }));
  if (index.size() != entries) fail(Status::failure(EIO, "the index lost entries"));
  print("index-bytes-per-entry", static_cast<double>(index.memoryBytes()) / static_cast<double>(entries));
  std::mt19937_64 random(11);
  std::vector<Hash256> wanted(1U << 20);
  for (Hash256& hash : wanted) hash = hashOf(random() % entries);
  print("index-lookups", speedOf(static_cast<double>(wanted.size()), seconds, [&] {
          std::uint64_t found = 0;
          for (std::size_t start = 0; start < wanted.size(); start += kBatch) {
            const auto batch = std::span(wanted).subspan(start, kBatch);
            for (const Hash256& hash : batch) index.prefetch(hash);
            for (const Hash256& hash : batch) found += index.find(hash, [](std::uint64_t) { return true; }) ? 1 : 0;
          }
          if (found != wanted.size()) fail(Status::failure(EIO, "the index did not find what it holds"));
        }));
}

int run(std::span<char* const> arguments) {
  if (arguments.size() != 5) {
    std::fprintf(stderr, "usage: stages DIRECTORY MEGABYTES SECONDS ENTRIES\n");
    return 2;
  }
  const std::size_t bytes = std::strtoull(arguments[2], nullptr, 10) << 20;
  const double seconds = std::strtod(arguments[3], nullptr);
  const std::uint64_t entries = std::strtoull(arguments[4], nullptr, 10);
  std::printf("simd %s\n", nameOf(activeSimd()));
  const Bytes input = randomBytes(bytes, 1);
  measureLimits(input, seconds);
  measureChunking(input, seconds);
  if (entries == 0) return 0;
  measureHashing(input, seconds);
  measureBlob(arguments[1], input, seconds);
  measureIndex(entries, seconds);
  return 0;
}

}  // namespace
}  // namespace packetfs::bench

int main(int count, char** arguments) { return packetfs::bench::run({arguments, static_cast<std::size_t>(count)}); }
