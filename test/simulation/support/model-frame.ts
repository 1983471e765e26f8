// The frames of the model volume: literals (what they are a delta to, and whole chunks) and recipes (places of chunks).
import { PacketFsError } from '../../../src/base/errors.ts';
import type { LogRange, PositionRange } from '../../../src/replication/ports.ts';

export interface Chunk {
  readonly start: number;
  readonly end: number;
  bytes: Uint8Array;
}

export interface ModelFrame {
  readonly bases: readonly LogRange[];
  readonly chunks: Chunk[];
}

/** The bases as JSON with its length in front, then the chunks. */
export function encodeFrame({ bases, chunks }: ModelFrame): Uint8Array {
  const named = bases.map(({ log, range }) => ({ log: { node: [...log.node], epoch: log.epoch }, range }));
  const text = Buffer.from(JSON.stringify(named));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const parts = chunks.map((chunk) => {
    const head = new Uint8Array(12);
    const view = new DataView(head.buffer);
    view.setFloat64(0, chunk.start);
    view.setUint32(8, chunk.bytes.length);
    return Buffer.concat([head, chunk.bytes]);
  });
  return Uint8Array.from(Buffer.concat([length, text, ...parts]));
}

export function decodeFrame(frame: Uint8Array): ModelFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const chunks: Chunk[] = [];
  const chunksAt = 4 + view.getUint32(0);
  const named = JSON.parse(Buffer.from(frame.subarray(4, chunksAt)).toString()) as {
    readonly log: { readonly node: readonly number[]; readonly epoch: number };
    readonly range: PositionRange;
  }[];
  const bases = named.map(({ log, range }) => ({ log: { ...log, node: Uint8Array.from(log.node) }, range }));
  for (let offset = chunksAt; offset < frame.length; ) {
    if (offset + 12 > frame.length) throw new PacketFsError('PFS_CORRUPT', 'a literal frame ends early');
    const start = view.getFloat64(offset);
    const length = view.getUint32(offset + 8);
    if (offset + 12 + length > frame.length) throw new PacketFsError('PFS_CORRUPT', 'a literal frame ends early');
    chunks.push({ start, end: start + length, bytes: frame.slice(offset + 12, offset + 12 + length) });
    offset += 12 + length;
  }
  return { bases, chunks };
}

/** Where the chunks of a recipe begin and end; their content follows from that. */
export const encodeRecipe = (chunks: readonly Chunk[]): Uint8Array =>
  Uint8Array.from(Buffer.from(JSON.stringify(chunks.map(({ start, end }) => ({ start, end })))));

export const decodeRecipe = (frame: Uint8Array): readonly Omit<Chunk, 'bytes'>[] =>
  JSON.parse(Buffer.from(frame).toString()) as Omit<Chunk, 'bytes'>[];
