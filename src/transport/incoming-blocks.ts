// Blocks on their way in: each is assembled in one buffer of its final size, allocated when its first chunk arrives and
// within the window granted, and handed on once, whole. Completed ids are remembered so that a repeated chunk does not
// open a block again.
import { BLOCK_BYTES_MAX, BLOCK_HEADER_BYTES_MAX, BLOCKS_AHEAD_MAX } from './constants.ts';
import { RangeSet } from './range-set.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { WindowBudget } from './window-budget.ts';

export interface Chunk {
  readonly id: number;
  readonly total: number;
  readonly offset: number;
}

interface PartialBlock {
  readonly bytes: Uint8Array;
  readonly arrived: RangeSet;
  missing: number;
}

export interface CompletedBlock {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly total: number;
}

export type ChunkOutcome = 'accepted' | 'violation' | CompletedBlock;

export class IncomingBlocks {
  readonly #partial = new Map<number, PartialBlock>();
  readonly #completed = new RangeSet();
  readonly window: ReceiveWindow;
  #openedBytes = 0;

  constructor(budget: WindowBudget) {
    this.window = new ReceiveWindow(budget);
  }

  /** Every block before this one was whole. */
  get #firstMissing(): number {
    return this.#completed.count > 0 && this.#completed.startAt(0) === 0 ? this.#completed.endAt(0) : 0;
  }

  receive(chunk: Chunk, data: Uint8Array): ChunkOutcome {
    const { id, total, offset } = chunk;
    if (data.length === 0 || offset + data.length > total || total > BLOCK_BYTES_MAX || total < 2) return 'violation';
    let block = this.#partial.get(id);
    if (block === undefined) {
      if (this.#completed.contains(id, id + 1)) return 'accepted';
      if (this.#openedBytes + total > this.window.granted || id >= this.#firstMissing + BLOCKS_AHEAD_MAX)
        return 'violation';
      this.#openedBytes += total;
      // Every byte is overwritten before the block is handed on.
      block = { bytes: Buffer.allocUnsafeSlow(total), arrived: new RangeSet(), missing: total };
      this.#partial.set(id, block);
    }
    if (block.bytes.length !== total) return 'violation';
    const fresh = block.arrived.add(offset, offset + data.length);
    if (fresh === 0) return 'accepted';
    block.bytes.set(data, offset);
    block.missing -= fresh;
    if (block.missing > 0) return 'accepted';
    this.#partial.delete(id);
    this.#completed.add(id, id + 1);
    return completedBlock(block.bytes);
  }
}

const completedBlock = (bytes: Uint8Array): ChunkOutcome => {
  const headerLength = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  if (headerLength > BLOCK_HEADER_BYTES_MAX || 2 + headerLength > bytes.length) return 'violation';
  return {
    header: bytes.subarray(2, 2 + headerLength),
    body: bytes.subarray(2 + headerLength),
    total: bytes.length,
  };
};
