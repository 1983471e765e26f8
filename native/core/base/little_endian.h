// Little-endian integers and LEB128 varints, for the formats of blob.md and wire.md.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace packetfs {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the formats are written as the CPU lays integers out");

inline void storeLittle32(std::uint8_t* target, std::uint32_t value) { std::memcpy(target, &value, sizeof(value)); }
inline void storeLittle64(std::uint8_t* target, std::uint64_t value) { std::memcpy(target, &value, sizeof(value)); }
inline std::uint32_t loadLittle32(const std::uint8_t* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}
inline std::uint64_t loadLittle64(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

inline void appendVarint(std::vector<std::uint8_t>& target, std::uint64_t value) {
  while (value >= 0x80) {
    target.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  target.push_back(static_cast<std::uint8_t>(value));
}

/// Takes a varint off the front; false when it is cut off, longer than needed or beyond 64 bits.
inline bool takeVarint(std::span<const std::uint8_t>& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned index = 0; index < 10 && index < bytes.size(); index++) {
    const std::uint8_t byte = bytes[index];
    if (index == 9 && byte > 1) return false;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * index);
    if ((byte & 0x80) == 0) {
      if (byte == 0 && index > 0) return false;
      bytes = bytes.subspan(index + 1);
      return true;
    }
  }
  return false;
}

}  // namespace packetfs
