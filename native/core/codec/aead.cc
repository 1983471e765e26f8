// Keys in guarded memory (aead.h): AES-256-GCM, its key expanded once (aes_gcm.h), and ChaCha20-Poly1305 of libsodium.
#include "aead.h"

#include <sodium.h>

#include <cstring>

#include "aes_gcm.h"

namespace packetfs {

namespace {

static_assert(kAeadKeyBytes == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kAeadTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(sizeof(AeadNonce) == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);

AeadNonce nonceOf(std::uint64_t number) {
  AeadNonce nonce{};
  for (std::size_t i = 0; i < sizeof number; i++) nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

bool isReady() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

}  // namespace

union AeadKey::Secret {
  AesGcmSchedule schedule;  // sodium_malloc of a multiple of 64 bytes is aligned to 64
  std::uint8_t key[kAeadKeyBytes];
};

bool AeadKey::isAvailable(AeadSuite suite) {
  if (!isReady()) return false;
  return suite == AeadSuite::kChaCha20Poly1305 || aesGcmIsAvailable();
}

Result<std::unique_ptr<AeadKey>> AeadKey::create(AeadSuite suite, std::span<const std::uint8_t, kAeadKeyBytes> key) {
  if (!isAvailable(suite)) return Status::failure(ENOTSUP, "this CPU has no instructions for AES-256-GCM");
  auto* secret = static_cast<Secret*>(sodium_malloc(sizeof(Secret)));
  if (secret == nullptr) return Status::failure(ENOMEM, "no guarded memory for a key");
  std::unique_ptr<AeadKey> made(new AeadKey(suite, secret));
  if (suite == AeadSuite::kChaCha20Poly1305) {
    std::memcpy(secret->key, key.data(), kAeadKeyBytes);
  } else if (!aesGcmExpand(key.data(), secret->schedule)) {
    return Status::failure(ENOMEM, "no memory for the functions of AES-256-GCM");
  }
  return made;
}

AeadKey::~AeadKey() { sodium_free(secret_); }  // zeroes it

void AeadKey::seal(const PacketPlace& packet, std::uint64_t number) const {
  const AeadNonce nonce = nonceOf(number);
  if (suite_ == AeadSuite::kAes256Gcm) {
    aesGcmSeal(secret_->schedule, packet, nonce);
    return;
  }
  std::uint8_t* body = packet.header + packet.headerLength;
  std::uint8_t* tag = body + packet.bodyLength;
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(body, tag, nullptr, body, packet.bodyLength, packet.header,
                                                     packet.headerLength, nullptr, nonce.data(), secret_->key);
}

bool AeadKey::open(const PacketPlace& packet, std::uint64_t number) const {
  const AeadNonce nonce = nonceOf(number);
  if (suite_ == AeadSuite::kAes256Gcm) return aesGcmOpen(secret_->schedule, packet, nonce);
  std::uint8_t* body = packet.header + packet.headerLength;
  const std::uint8_t* tag = body + packet.bodyLength;
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(body, nullptr, body, packet.bodyLength, tag, packet.header,
                                                            packet.headerLength, nonce.data(), secret_->key) == 0;
}

}  // namespace packetfs
