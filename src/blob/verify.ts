// Checks bytes of the blob against the hashes of their chunks by reading them: after an unclean stop, before a journal
// record that refers to them is believed; and after a repair.
import type { NativeBlob, NativeModule } from '../addon/native.ts';
import { MIB } from '../base/units.ts';

const READ_BYTES_MAX = 1 * MIB;

interface Chunk {
  readonly address: bigint;
  readonly length: number;
  readonly hash: Uint8Array;
}

export class ChunkVerifier {
  readonly #blob: NativeBlob;
  readonly #native: Pick<NativeModule, 'blake3Keyed'>;
  readonly #identityKey: Uint8Array;
  /** Addresses of chunks found good: one chunk is read once however many extents share it. */
  readonly #good = new Set<bigint>();

  constructor(options: { blob: NativeBlob; native: Pick<NativeModule, 'blake3Keyed'>; identityKey: Uint8Array }) {
    this.#blob = options.blob;
    this.#native = options.native;
    this.#identityKey = options.identityKey;
  }

  /** True when every chunk that [address, address + length) touches is here and has the bytes of its hash. */
  async matches(address: bigint, length: bigint): Promise<boolean> {
    const chunks = this.#chunksOf(address, length);
    if (chunks === undefined) return false;
    for (const run of runsOf(chunks.filter((chunk) => !this.#good.has(chunk.address)))) {
      if (!(await this.#runMatches(run))) return false;
    }
    return true;
  }

  #chunksOf(address: bigint, length: bigint): Chunk[] | undefined {
    const chunks: Chunk[] = [];
    for (let next = address; next < address + length; ) {
      const chunk = this.#blob.chunkAt(next);
      if (chunk === undefined) return undefined;
      chunks.push(chunk);
      next = chunk.address + BigInt(chunk.length);
    }
    return chunks;
  }

  async #runMatches(run: readonly Chunk[]): Promise<boolean> {
    const first = run[0];
    if (first === undefined) return true;
    const length = run.reduce((sum, chunk) => sum + chunk.length, 0);
    let bytes: Uint8Array;
    try {
      bytes = await this.#blob.readExtents(BigUint64Array.of(0n, BigInt(length), first.address), 0n, length);
    } catch {
      return false; // bytes that cannot be read are not there
    }
    let offset = 0;
    for (const chunk of run) {
      const hash = this.#native.blake3Keyed(this.#identityKey, bytes.subarray(offset, offset + chunk.length));
      if (Buffer.compare(hash, chunk.hash) !== 0) return false;
      this.#good.add(chunk.address);
      offset += chunk.length;
    }
    return true;
  }
}

/** Neighbours in address order together, up to what is read at once. */
function runsOf(chunks: readonly Chunk[]): Chunk[][] {
  const runs: Chunk[][] = [];
  let bytes = 0;
  let end = -1n;
  for (const chunk of chunks) {
    const run = runs[runs.length - 1];
    if (run === undefined || chunk.address !== end || bytes + chunk.length > READ_BYTES_MAX) {
      runs.push([chunk]);
      bytes = 0;
    } else run.push(chunk);
    bytes += chunk.length;
    end = chunk.address + BigInt(chunk.length);
  }
  return runs;
}
