// The few cryptographic functions of the transport, over libsodium: keyed BLAKE2b, X25519 keys, sealing a cookie. Nothing
// here draws random bytes: secrets and nonces are arguments, so that a simulation is repeatable.
import sodium from 'sodium-native';
import { assert } from '../base/assert.ts';
import { KEY_BYTES, TAG_BYTES } from './constants.ts';

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** The X25519 pair of a 32-byte secret. */
export const keyPairOf = (secretKey: Uint8Array): KeyPair => {
  assert(secretKey.length === KEY_BYTES, 'an X25519 secret has 32 bytes');
  const publicKey = new Uint8Array(KEY_BYTES);
  sodium.crypto_scalarmult_base(publicKey, secretKey);
  return { publicKey, secretKey };
};

const encoder = new TextEncoder();

/** BLAKE2b of a label and parts (of lengths that the label fixes), keyed. */
export const keyedHash = (
  size: number,
  key: Uint8Array,
  label: string,
  ...parts: readonly Uint8Array[]
): Uint8Array => {
  const output = new Uint8Array(size);
  sodium.crypto_generichash_batch(output, [encoder.encode(label), ...parts], key);
  return output;
};

/** BLAKE2b without a key. */
export const plainHash = (size: number, label: string, ...parts: readonly Uint8Array[]): Uint8Array => {
  const output = new Uint8Array(size);
  sodium.crypto_generichash_batch(output, [encoder.encode(label), ...parts]);
  return output;
};

/** Constant time. */
export const sameBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && sodium.sodium_memcmp(left, right);

export const wipe = (bytes: Uint8Array): void => sodium.sodium_memzero(bytes);

export interface SealOptions {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly associated: Uint8Array;
}

/** XChaCha20-Poly1305, for cookies. */
export const sealSmall = (message: Uint8Array, options: SealOptions): Uint8Array => {
  const output = new Uint8Array(message.length + TAG_BYTES);
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
    output,
    message,
    options.associated,
    null,
    options.nonce,
    options.key,
  );
  return output;
};

/** Undefined when it does not authenticate. */
export const openSmall = (ciphertext: Uint8Array, options: SealOptions): Uint8Array | undefined => {
  const output = new Uint8Array(ciphertext.length - TAG_BYTES);
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      output,
      null,
      ciphertext,
      options.associated,
      options.nonce,
      options.key,
    );
    return output;
  } catch {
    return undefined; // sodium-native throws on a bad tag: for us that is data
  }
};

/** Lexicographic: negative, zero or positive. */
export const compareBytes = (left: Uint8Array, right: Uint8Array): number => Buffer.compare(left, right);

/** Key of a map. */
export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** A copy, also of a Buffer, whose own `slice` shares memory. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
