// AEAD over libsodium (aead.h). For AES-256-GCM the key schedule is expanded once.
#include "aead.h"

#include <sodium.h>

#include <cstring>

namespace packetfs {

namespace {

constexpr std::size_t kNonceBytes = 12;
using Nonce = std::array<std::uint8_t, kNonceBytes>;

static_assert(kAeadKeyBytes == crypto_aead_aes256gcm_KEYBYTES);
static_assert(kAeadKeyBytes == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kAeadTagBytes == crypto_aead_aes256gcm_ABYTES);
static_assert(kAeadTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(kNonceBytes == crypto_aead_aes256gcm_NPUBBYTES);
static_assert(kNonceBytes == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);

Nonce nonceOf(std::uint64_t number) {
  Nonce nonce{};
  for (std::size_t i = 0; i < sizeof number; i++) nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

bool isReady() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

}  // namespace

struct AeadKey::Secret {
  crypto_aead_aes256gcm_state schedule;  // aligned to 16 bytes, as is a sodium_malloc of a multiple of 16
  std::uint8_t key[kAeadKeyBytes];
};

bool AeadKey::isAvailable(AeadSuite suite) {
  if (!isReady()) return false;
  return suite == AeadSuite::kChaCha20Poly1305 || crypto_aead_aes256gcm_is_available() == 1;
}

Result<std::unique_ptr<AeadKey>> AeadKey::create(AeadSuite suite, std::span<const std::uint8_t, kAeadKeyBytes> key) {
  static_assert(sizeof(Secret) % 16 == 0);
  if (!isAvailable(suite)) return Status::failure(ENOTSUP, "this CPU has no instructions for AES-256-GCM");
  auto* secret = static_cast<Secret*>(sodium_malloc(sizeof(Secret)));
  if (secret == nullptr) return Status::failure(ENOMEM, "no guarded memory for a key");
  if (suite == AeadSuite::kAes256Gcm) {
    crypto_aead_aes256gcm_beforenm(&secret->schedule, key.data());
  } else {
    std::memcpy(secret->key, key.data(), kAeadKeyBytes);
  }
  return std::unique_ptr<AeadKey>(new AeadKey(suite, secret));
}

AeadKey::~AeadKey() { sodium_free(secret_); }  // zeroes it

void AeadKey::seal(const PacketPlace& packet, std::uint64_t number) const {
  const Nonce nonce = nonceOf(number);
  std::uint8_t* body = packet.header + packet.headerLength;
  std::uint8_t* tag = body + packet.bodyLength;
  if (suite_ == AeadSuite::kAes256Gcm) {
    crypto_aead_aes256gcm_encrypt_detached_afternm(body, tag, nullptr, body, packet.bodyLength, packet.header,
                                                   packet.headerLength, nullptr, nonce.data(), &secret_->schedule);
  } else {
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(body, tag, nullptr, body, packet.bodyLength, packet.header,
                                                       packet.headerLength, nullptr, nonce.data(), secret_->key);
  }
}

bool AeadKey::open(const PacketPlace& packet, std::uint64_t number) const {
  const Nonce nonce = nonceOf(number);
  std::uint8_t* body = packet.header + packet.headerLength;
  const std::uint8_t* tag = body + packet.bodyLength;
  if (suite_ == AeadSuite::kAes256Gcm) {
    return crypto_aead_aes256gcm_decrypt_detached_afternm(body, nullptr, body, packet.bodyLength, tag, packet.header,
                                                          packet.headerLength, nonce.data(), &secret_->schedule) == 0;
  }
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(body, nullptr, body, packet.bodyLength, tag, packet.header,
                                                            packet.headerLength, nonce.data(), secret_->key) == 0;
}

}  // namespace packetfs
