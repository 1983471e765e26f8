// AES-256-GCM over libipsec-mb (aes_gcm.h), which picks SSE, AVX, AVX2 or VAES with AVX-512 for the CPU.
#if defined(__x86_64__)
#include <intel-ipsec-mb.h>
#include <sodium.h>

#include "aes_gcm.h"

namespace packetfs {

namespace {

static_assert(sizeof(gcm_key_data) <= sizeof(AesGcmSchedule));

/// What the library chose for the CPU. It keeps nothing between two calls.
struct Functions {
  aes_gcm_pre_t expand = nullptr;
  aes_gcm_enc_dec_t seal = nullptr;
  aes_gcm_enc_dec_t open = nullptr;
};

Functions chooseFunctions() {
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return {};
  init_mb_mgr_auto(manager, nullptr);
  Functions chosen;
  if (imb_get_errno(manager) == 0) chosen = {manager->gcm256_pre, manager->gcm256_enc, manager->gcm256_dec};
  free_mb_mgr(manager);  // megabytes of queues for jobs, which these functions do not use
  return chosen;
}

/// Chosen for the first key and not before: the library tests itself then, which makes megabytes of it resident.
const Functions& functions() {
  static const Functions chosen = chooseFunctions();
  return chosen;
}

const gcm_key_data* keyOf(const AesGcmSchedule& schedule) {
  return reinterpret_cast<const gcm_key_data*>(schedule.bytes);
}

}  // namespace

// The library would emulate AES instructions; ChaCha20 is faster then.
bool aesGcmIsAvailable() { return sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() == 1; }

bool aesGcmExpand(const std::uint8_t* key, AesGcmSchedule& schedule) {
  if (functions().expand == nullptr) return false;
  functions().expand(key, reinterpret_cast<gcm_key_data*>(schedule.bytes));
  return true;
}

void aesGcmSeal(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  gcm_context_data context;
  std::uint8_t* body = packet.header + packet.headerLength;
  functions().seal(keyOf(schedule), &context, body, body, packet.bodyLength, nonce.data(), packet.header,
                   packet.headerLength, body + packet.bodyLength, kAeadTagBytes);
}

bool aesGcmOpen(const AesGcmSchedule& schedule, const PacketPlace& packet, const AeadNonce& nonce) {
  gcm_context_data context;
  std::uint8_t tag[kAeadTagBytes];
  std::uint8_t* body = packet.header + packet.headerLength;
  functions().open(keyOf(schedule), &context, body, body, packet.bodyLength, nonce.data(), packet.header,
                   packet.headerLength, tag, kAeadTagBytes);
  return sodium_memcmp(tag, body + packet.bodyLength, kAeadTagBytes) == 0;
}

}  // namespace packetfs
#endif
