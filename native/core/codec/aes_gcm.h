// AES-256-GCM with an expanded key, in place: the fastest kept library for the machine (docs/design/0076). On x86-64
// that is Intel's IPsec multi-buffer library (aes_gcm_ipsec_mb.cc), elsewhere libsodium (aes_gcm_sodium.cc).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "aead.h"

namespace packetfs {

using AeadNonce = std::array<std::uint8_t, 12>;

/// What a key expands to; as secret as the key. Lives in the owner's guarded memory.
struct alignas(64) AesGcmSchedule {
  std::uint8_t bytes[1024];
};

/// Whether the CPU has what the library needs; then the others may be called, from any thread.
bool aesGcmIsAvailable();
/// False when there is no memory to set the library up.
bool aesGcmExpand(const std::uint8_t* key, AesGcmSchedule& schedule);
void aesGcmSeal(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce);
/// False when the packet is not authentic; its body is then undefined.
bool aesGcmOpen(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce);

}  // namespace packetfs
