// What a connection has to send, whichever of its paths carries it: two channels and the blocks. A path writes what comes
// next into its packets and tells what became of it; what one lost, any may send again.
import { BLOCK_WINDOW_BYTES, STREAM_WINDOW_BYTES } from './constants.ts';
import {
  CHUNK_FRAME_BYTES,
  LIMIT_BLOCKS,
  LIMIT_CONTROL,
  type LimitKind,
  STREAM_FRAME_BYTES,
  writeChunkHeader,
  writeStreamHeader,
} from './frames.ts';
import { OutgoingBlocks } from './outgoing-blocks.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import { DATA_BLOCK, DATA_CONTROL, DATA_OPERATIONS, type SentPackets } from './sent-packets.ts';

/** What a path may take: one of several leaves the channels, whose bytes have an order, to the fastest. */
export type Share = 'everything' | 'blocks' | 'nothing';

/** Room that a data frame must have to be worth starting. */
const DATA_ROOM_MIN = CHUNK_FRAME_BYTES + 64;

export class OutgoingData {
  readonly blocks = new OutgoingBlocks();
  readonly control = new OutgoingStream();
  readonly operations = new OutgoingStream();

  constructor() {
    this.blocks.raiseLimit(BLOCK_WINDOW_BYTES);
    this.control.raiseLimit(STREAM_WINDOW_BYTES);
    this.operations.raiseLimit(STREAM_WINDOW_BYTES);
  }

  get unacknowledgedBytes(): number {
    return this.blocks.unacknowledgedBytes + this.control.unacknowledgedBytes + this.operations.unacknowledgedBytes;
  }

  hasData(share: Share): boolean {
    if (share === 'nothing') return false;
    if (share === 'everything' && (this.control.hasData || this.operations.hasData)) return true;
    return this.blocks.hasData;
  }

  raiseLimit(kind: LimitKind, limit: number): void {
    if (kind === LIMIT_BLOCKS) this.blocks.raiseLimit(limit);
    else if (kind === LIMIT_CONTROL) this.control.raiseLimit(limit);
    else this.operations.raiseLimit(limit);
  }

  /** Writes one data frame at `from`, if any fits before `end`, and notes it in the packet's slot; returns its end. */
  write(
    bytes: Uint8Array,
    span: { from: number; end: number },
    packet: { packets: SentPackets; slot: number; share: Share },
  ): number {
    const room = span.end - span.from;
    if (room < DATA_ROOM_MIN || packet.share === 'nothing') return span.from;
    const { packets, slot } = packet;
    const stream = this.control.hasData ? this.control : this.operations;
    if (packet.share === 'everything' && stream.hasData && stream.select(room - STREAM_FRAME_BYTES)) {
      const isControl = stream === this.control;
      const at = writeStreamHeader(bytes, span.from, isControl ? 'control' : 'operations', stream.offset);
      stream.copy(bytes, at);
      packets.kind[slot] = isControl ? DATA_CONTROL : DATA_OPERATIONS;
      packets.offset[slot] = stream.offset;
      packets.length[slot] = stream.length;
      stream.markSent();
      return at + stream.length;
    }
    if (!this.blocks.select(room - CHUNK_FRAME_BYTES)) return span.from;
    const { block, offset, length } = this.blocks;
    if (block === undefined) return span.from;
    const at = writeChunkHeader(bytes, span.from, { id: block.id, total: block.total, offset });
    block.copy(offset, length, bytes, at);
    packets.kind[slot] = DATA_BLOCK;
    packets.blockId[slot] = block.id;
    packets.offset[slot] = offset;
    packets.length[slot] = length;
    this.blocks.markSent();
    return at + length;
  }

  onAcknowledged(packets: SentPackets, slot: number): void {
    const offset = packets.offset[slot] ?? 0;
    const length = packets.length[slot] ?? 0;
    switch (packets.kind[slot]) {
      case DATA_BLOCK:
        this.blocks.onAcknowledged(packets.blockId[slot] ?? 0, offset, length);
        break;
      case DATA_CONTROL:
        this.control.onAcknowledged(offset, length);
        break;
      case DATA_OPERATIONS:
        this.operations.onAcknowledged(offset, length);
        break;
    }
  }

  onLost(packets: SentPackets, slot: number): void {
    const offset = packets.offset[slot] ?? 0;
    const length = packets.length[slot] ?? 0;
    switch (packets.kind[slot]) {
      case DATA_BLOCK:
        this.blocks.onLost(packets.blockId[slot] ?? 0, offset, length);
        break;
      case DATA_CONTROL:
        this.control.onLost(offset, length);
        break;
      case DATA_OPERATIONS:
        this.operations.onLost(offset, length);
        break;
    }
  }
}
