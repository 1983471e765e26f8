// NativeAead over sodium-native, so that simulations of the transport need no compiled addon; as strict as the addon's.
import sodium from 'sodium-native';
import type { NativeAead } from '../../src/addon/native.ts';
import type { AeadFactory } from '../../src/transport/packet-keys.ts';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

export const createSodiumAead: AeadFactory = (suite, given) => {
  if (suite !== 'chacha20-poly1305') throw new Error(`no ${suite} in sodium-native`);
  const key = Buffer.from(given);
  let destroyed = false;
  const requireKey = (): void => {
    if (destroyed) throw new TypeError('the key has been destroyed');
  };
  const nonceOf = (number: bigint): Buffer => {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeBigUInt64LE(number, 0);
    return nonce;
  };
  const aead: NativeAead = {
    seal(bytes, packets, numbers) {
      requireKey();
      for (const [index, number] of numbers.entries()) {
        const [offset = 0, headerLength = 0, bodyLength = 0] = packets.subarray(3 * index, 3 * index + 3);
        const body = offset + headerLength;
        const sealed = Buffer.alloc(bodyLength + TAG_BYTES);
        sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
          sealed,
          bytes.subarray(body, body + bodyLength),
          bytes.subarray(offset, body),
          null,
          nonceOf(number),
          key,
        );
        bytes.set(sealed, body);
      }
    },
    open(bytes, packets, numbers) {
      requireKey();
      const results = new Uint8Array(numbers.length);
      for (const [index, number] of numbers.entries()) {
        const [offset = 0, headerLength = 0, bodyLength = 0] = packets.subarray(3 * index, 3 * index + 3);
        const body = offset + headerLength;
        const plain = Buffer.alloc(bodyLength);
        try {
          sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
            plain,
            null,
            bytes.subarray(body, body + bodyLength + TAG_BYTES),
            bytes.subarray(offset, body),
            nonceOf(number),
            key,
          );
          bytes.set(plain, body);
          results[index] = 1;
        } catch {
          results[index] = 0;
        }
      }
      return results;
    },
    destroy() {
      destroyed = true;
      key.fill(0);
    },
  };
  return aead;
};
