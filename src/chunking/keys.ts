// What a volume's secret decides about chunks: the key of their identity and where the chunker cuts. Both come out of
// BLAKE3 in derive_key mode under a context of their own, so neither tells anything about the other or the secret.
// Specified in docs/format/blob.md, Keys.
import type { ChunkerParameters, NativeModule } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { KIB } from '../base/units.ts';

/** format: bytes of a volume's secret. */
export const VOLUME_SECRET_BYTES = 32;
/** format: contexts of derive_key; hard-coded, unique to their purpose, never changed. */
export const IDENTITY_KEY_CONTEXT = 'PacketFS 2026-11-22 chunk identity key v1';
export const CHUNKER_CONTEXT = 'PacketFS 2026-11-22 mincdc-h4 parameters v1';

/** format: bounds of a chunk; the average is what mincdc-h4 gives between them. */
export const CHUNK_BYTES_MIN = 8 * KIB;
export const CHUNK_BYTES_AVERAGE = 16 * KIB;
export const CHUNK_BYTES_MAX = 24 * KIB;

export interface ChunkKeys {
  /** Keys the BLAKE3 that names chunks: nobody without the volume's secret can confirm that a file is stored. */
  readonly identityKey: Uint8Array;
  readonly chunker: ChunkerParameters;
}

export function deriveChunkKeys(native: Pick<NativeModule, 'blake3DeriveKey'>, volumeSecret: Uint8Array): ChunkKeys {
  assert(volumeSecret.length === VOLUME_SECRET_BYTES, 'a volume secret has 32 bytes');
  const identityKey = native.blake3DeriveKey(IDENTITY_KEY_CONTEXT, volumeSecret);
  const derived = native.blake3DeriveKey(CHUNKER_CONTEXT, volumeSecret);
  const words = new DataView(derived.buffer, derived.byteOffset, derived.byteLength);
  return {
    identityKey,
    chunker: {
      minimum: CHUNK_BYTES_MIN,
      maximum: CHUNK_BYTES_MAX,
      multiplier: (words.getUint32(0, true) | 1) >>> 0, // odd: multiplication stays a permutation of 32-bit words
      addend: words.getUint32(4, true),
    },
  };
}
