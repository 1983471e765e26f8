// Sealing and opening packets in place with a key for one direction (DESIGN §6): the header is associated data, the tag
// follows the body, the nonce is the packet number (64 bits, little-endian, zero-padded to 12 bytes). The key lives in
// guarded memory that is zeroed with its owner.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "../base/result.h"

namespace packetfs {

enum class AeadSuite { kAes256Gcm, kChaCha20Poly1305 };

constexpr std::size_t kAeadKeyBytes = 32;
constexpr std::size_t kAeadTagBytes = 16;

/// Where a packet lies: header, body, then room for the tag.
struct PacketPlace {
  std::uint8_t* header;
  std::size_t headerLength;
  std::size_t bodyLength;
};

class AeadKey {
 public:
  static bool isAvailable(AeadSuite suite);
  /// ENOTSUP where the CPU has no AES instructions, ENOMEM without guarded memory.
  static Result<std::unique_ptr<AeadKey>> create(AeadSuite suite, std::span<const std::uint8_t, kAeadKeyBytes> key);
  ~AeadKey();
  AeadKey(const AeadKey&) = delete;
  AeadKey& operator=(const AeadKey&) = delete;

  void seal(const PacketPlace& packet, std::uint64_t number) const;
  /// False when the packet is not authentic; its body is then undefined.
  bool open(const PacketPlace& packet, std::uint64_t number) const;

 private:
  union Secret;
  AeadKey(AeadSuite suite, Secret* secret) : suite_(suite), secret_(secret) {}
  AeadSuite suite_;
  Secret* secret_;  // sodium_malloc
};

}  // namespace packetfs
