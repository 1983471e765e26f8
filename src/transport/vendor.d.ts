// The parts of noise-handshake 4.2.0 and sodium-native 5.1.0 that PacketFS uses; neither ships types.

declare module 'noise-handshake' {
  export interface NoiseKeyPair {
    readonly publicKey: Uint8Array;
    readonly secretKey: Uint8Array;
  }
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it.
  export default class Noise {
    constructor(pattern: 'IK', initiator: boolean, staticKeyPair: NoiseKeyPair);
    initialise(prologue: Uint8Array, remoteStatic?: Uint8Array): void;
    send(payload: Uint8Array): Uint8Array;
    /** Throws when the message does not authenticate; keeps (and at the end wipes) views of `message`. */
    recv(message: Uint8Array): Uint8Array;
    readonly complete: boolean;
    readonly tx: Uint8Array | null;
    readonly rx: Uint8Array | null;
    readonly rs: Uint8Array | null;
    readonly re: Uint8Array | null;
    e: NoiseKeyPair | null;
    readonly digest: Uint8Array | null;
  }
}

declare module 'noise-handshake/dh.js' {
  import type { NoiseKeyPair } from 'noise-handshake';

  const curve: { generateKeyPair(secretKey: Uint8Array): NoiseKeyPair };
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it.
  export default curve;
}

declare module 'sodium-native' {
  const sodium: {
    crypto_generichash_batch(output: Uint8Array, input: readonly Uint8Array[], key?: Uint8Array): void;
    crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      message: Uint8Array,
      associated: Uint8Array,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      message: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      associated: Uint8Array,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;
    crypto_aead_chacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      message: Uint8Array,
      associated: Uint8Array,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;
    crypto_aead_chacha20poly1305_ietf_decrypt(
      message: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      associated: Uint8Array,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;
    sodium_memcmp(left: Uint8Array, right: Uint8Array): boolean;
    sodium_memzero(bytes: Uint8Array): void;
  };
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it.
  export default sodium;
}
