// CRC32C (hash.h): the CRC32 instruction on three interleaved streams (it has a latency of three cycles and a
// throughput of one), joined by shifting a CRC over zeros with tables (M. Adler, crc32c.c); slicing-by-8 tables
// elsewhere.
#include <array>
#include <cstring>

#include "../simd/simd.h"
#include "hash.h"
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace packetfs {

namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, reflected

using SliceTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr SliceTables makeSliceTables() {
  SliceTables tables{};
  for (std::uint32_t byte = 0; byte < 256; byte++) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ kPolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < 8; slice++) {
    for (std::size_t byte = 0; byte < 256; byte++) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][before & 0xff] ^ (before >> 8);
    }
  }
  return tables;
}

constexpr SliceTables kSlices = makeSliceTables();

std::uint32_t crcPortable(std::uint32_t crc, const std::uint8_t* bytes, std::size_t length) {
  for (; length >= 8; bytes += 8, length -= 8) {
    std::uint32_t mixed[2];
    for (int half = 0; half < 2; half++) {
      const std::uint8_t* word = bytes + 4 * half;
      mixed[half] = static_cast<std::uint32_t>(word[0]) | static_cast<std::uint32_t>(word[1]) << 8 |
                    static_cast<std::uint32_t>(word[2]) << 16 | static_cast<std::uint32_t>(word[3]) << 24;
    }
    mixed[0] ^= crc;
    crc = kSlices[7][mixed[0] & 0xff] ^ kSlices[6][(mixed[0] >> 8) & 0xff] ^ kSlices[5][(mixed[0] >> 16) & 0xff] ^
          kSlices[4][mixed[0] >> 24] ^ kSlices[3][mixed[1] & 0xff] ^ kSlices[2][(mixed[1] >> 8) & 0xff] ^
          kSlices[1][(mixed[1] >> 16) & 0xff] ^ kSlices[0][mixed[1] >> 24];
  }
  for (; length > 0; bytes++, length--) crc = kSlices[0][(crc ^ *bytes) & 0xff] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)

constexpr std::size_t kLongStream = 4096;  // one chunk of 12 KiB is one round
constexpr std::size_t kShortStream = 256;

using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

/// The CRC after `zeros` more zero bytes is linear in the CRC: one table per byte of it.
ShiftTable makeShiftTable(std::size_t zeros) {
  ShiftTable table{};
  std::array<std::uint32_t, 32> column{};
  for (std::size_t bit = 0; bit < 32; bit++) {
    std::uint32_t crc = 1U << bit;
    for (std::size_t i = 0; i < zeros; i++) crc = kSlices[0][crc & 0xff] ^ (crc >> 8);
    column[bit] = crc;
  }
  for (std::size_t byte = 0; byte < 4; byte++) {
    for (std::size_t value = 0; value < 256; value++) {
      for (std::size_t bit = 0; bit < 8; bit++) {
        if ((value >> bit & 1) != 0) table[byte][value] ^= column[byte * 8 + bit];
      }
    }
  }
  return table;
}

std::uint32_t shift(const ShiftTable& table, std::uint32_t crc) {
  return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^ table[3][crc >> 24];
}

__attribute__((target("sse4.2"))) std::uint64_t step(std::uint64_t crc, const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return _mm_crc32_u64(crc, word);
}

__attribute__((target("sse4.2"))) std::uint32_t crcStreams(std::uint32_t crc, const std::uint8_t* bytes,
                                                           std::size_t stream, const ShiftTable& table) {
  std::uint64_t first = crc;
  std::uint64_t second = 0;
  std::uint64_t third = 0;
  for (std::size_t i = 0; i < stream; i += 8) {
    first = step(first, bytes + i);
    second = step(second, bytes + stream + i);
    third = step(third, bytes + 2 * stream + i);
  }
  const std::uint32_t joined = shift(table, static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second);
  return shift(table, joined) ^ static_cast<std::uint32_t>(third);
}

__attribute__((target("sse4.2"))) std::uint32_t crcHardware(std::uint32_t crc, const std::uint8_t* bytes,
                                                            std::size_t length) {
  static const ShiftTable kLong = makeShiftTable(kLongStream);
  static const ShiftTable kShort = makeShiftTable(kShortStream);
  for (; length >= 3 * kLongStream; bytes += 3 * kLongStream, length -= 3 * kLongStream) {
    crc = crcStreams(crc, bytes, kLongStream, kLong);
  }
  for (; length >= 3 * kShortStream; bytes += 3 * kShortStream, length -= 3 * kShortStream) {
    crc = crcStreams(crc, bytes, kShortStream, kShort);
  }
  std::uint64_t wide = crc;
  for (; length >= 8; bytes += 8, length -= 8) wide = step(wide, bytes);
  crc = static_cast<std::uint32_t>(wide);
  for (; length > 0; bytes++, length--) crc = _mm_crc32_u8(crc, *bytes);
  return crc;
}

#endif

using Crc = std::uint32_t (*)(std::uint32_t crc, const std::uint8_t* bytes, std::size_t length);

Crc chooseCrc() {
#if defined(__x86_64__)
  if (activeSimd() != Simd::kPortable && __builtin_cpu_supports("sse4.2") != 0) return crcHardware;
#endif
  return crcPortable;
}

}  // namespace

std::uint32_t crc32c(const std::uint8_t* bytes, std::size_t length, std::uint32_t seed) {
  static const Crc crc = chooseCrc();
  return ~crc(~seed, bytes, length);
}

}  // namespace packetfs
