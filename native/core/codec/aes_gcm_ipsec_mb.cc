// AES-256-GCM over libipsec-mb (aes_gcm.h), which picks SSE, AVX, AVX2 or VAES with AVX-512 for the CPU. Its one-call
// functions keep nothing in the manager, which is made once and shared by all threads.
#if defined(__x86_64__)
#include <intel-ipsec-mb.h>
#include <sodium.h>

#include "aes_gcm.h"

namespace packetfs {

namespace {

static_assert(sizeof(gcm_key_data) <= sizeof(AesGcmSchedule));

IMB_MGR* makeManager() {
  // The library would emulate AES instructions; ChaCha20 is faster then.
  if (sodium_init() < 0 || crypto_aead_aes256gcm_is_available() != 1) return nullptr;
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return nullptr;
  init_mb_mgr_auto(manager, nullptr);
  if (imb_get_errno(manager) == 0) return manager;
  free_mb_mgr(manager);
  return nullptr;
}

/// Never freed: keys may be in use until the process ends.
IMB_MGR* manager() {
  static IMB_MGR* const made = makeManager();
  return made;
}

const gcm_key_data* keyOf(const AesGcmSchedule& schedule) {
  return reinterpret_cast<const gcm_key_data*>(schedule.bytes);
}

}  // namespace

bool aesGcmIsAvailable() { return manager() != nullptr; }

void aesGcmExpand(const std::uint8_t* key, AesGcmSchedule& schedule) {
  IMB_AES256_GCM_PRE(manager(), key, reinterpret_cast<gcm_key_data*>(schedule.bytes));
}

void aesGcmSeal(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  gcm_context_data context;
  std::uint8_t* body = packet.header + packet.headerLength;
  IMB_AES256_GCM_ENC(manager(), keyOf(schedule), &context, body, body, packet.bodyLength, nonce.data(), packet.header,
                     packet.headerLength, body + packet.bodyLength, kAeadTagBytes);
}

bool aesGcmOpen(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  gcm_context_data context;
  std::uint8_t tag[kAeadTagBytes];
  std::uint8_t* body = packet.header + packet.headerLength;
  IMB_AES256_GCM_DEC(manager(), keyOf(schedule), &context, body, body, packet.bodyLength, nonce.data(), packet.header,
                     packet.headerLength, tag, kAeadTagBytes);
  return sodium_memcmp(tag, body + packet.bodyLength, kAeadTagBytes) == 0;
}

}  // namespace packetfs
#endif
