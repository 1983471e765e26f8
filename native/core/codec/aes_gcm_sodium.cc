// AES-256-GCM over libsodium (aes_gcm.h), for machines that libipsec-mb does not know. libsodium has it where the CPU
// has AES instructions, on ARM since 1.0.19.
#if !defined(__x86_64__)
#include <sodium.h>

#include "aes_gcm.h"

namespace packetfs {

namespace {

static_assert(sizeof(crypto_aead_aes256gcm_state) <= sizeof(AesGcmSchedule));

const crypto_aead_aes256gcm_state* stateOf(const AesGcmSchedule& schedule) {
  return reinterpret_cast<const crypto_aead_aes256gcm_state*>(schedule.bytes);
}

}  // namespace

bool aesGcmIsAvailable() { return sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() == 1; }

bool aesGcmExpand(const std::uint8_t* key, AesGcmSchedule& schedule) {
  return crypto_aead_aes256gcm_beforenm(reinterpret_cast<crypto_aead_aes256gcm_state*>(schedule.bytes), key) == 0;
}

void aesGcmSeal(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  std::uint8_t* body = packet.header + packet.headerLength;
  crypto_aead_aes256gcm_encrypt_detached_afternm(body, body + packet.bodyLength, nullptr, body, packet.bodyLength,
                                                 packet.header, packet.headerLength, nullptr, nonce.data(),
                                                 stateOf(schedule));
}

bool aesGcmOpen(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  std::uint8_t* body = packet.header + packet.headerLength;
  return crypto_aead_aes256gcm_decrypt_detached_afternm(body, nullptr, body, packet.bodyLength,
                                                        body + packet.bodyLength, packet.header, packet.headerLength,
                                                        nonce.data(), stateOf(schedule)) == 0;
}

}  // namespace packetfs
#endif
