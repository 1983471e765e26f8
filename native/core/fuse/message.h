// Fields of the kernel's raw messages (linux/fuse.h), which are not aligned.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace packetfs::fuse {

template <typename Message>
Message messageAt(const void* bytes, std::size_t offset) {
  Message message{};
  std::memcpy(&message, static_cast<const std::uint8_t*>(bytes) + offset, sizeof message);
  return message;
}

}  // namespace packetfs::fuse
