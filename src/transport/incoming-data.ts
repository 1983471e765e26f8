// What a connection received for its application: channels and blocks being assembled, and the queue of events that
// tells of whole ones. Taking an event from the queue gives its bytes back to the flow-control windows, so an
// application that does not poll stops the sender and memory stays bounded.

import {
  LIMIT_BLOCKS,
  LIMIT_CONTROL,
  LIMIT_FRAME_BYTES,
  LIMIT_OPERATIONS,
  type StreamChannel,
  writeLimit,
} from './frames.ts';
import { IncomingBlocks } from './incoming-blocks.ts';
import { IncomingStream } from './incoming-stream.ts';
import type { WindowBudget } from './window-budget.ts';

export type ConnectionEvent =
  | { readonly kind: 'message'; readonly channel: StreamChannel; readonly bytes: Uint8Array }
  | { readonly kind: 'block'; readonly header: Uint8Array; readonly body: Uint8Array }
  | { readonly kind: 'drain' }
  | { readonly kind: 'closed'; readonly reason: string };

/** What windows are tuned by; the round trip is undefined where none was measured yet. */
export interface Pace {
  readonly nowMs: number;
  readonly roundTripMs: number | undefined;
}

export class IncomingData {
  readonly #blocks: IncomingBlocks;
  readonly #control = new IncomingStream();
  readonly #operations = new IncomingStream();
  #events: ConnectionEvent[] = [];
  #head = 0;
  /** Every path tells the peer of the newest grant, because one of them may have been cut. */
  #grants = 0;
  readonly #deliverControl = (bytes: Uint8Array): void => this.push({ kind: 'message', channel: 'control', bytes });
  readonly #deliverOperations = (bytes: Uint8Array): void =>
    this.push({ kind: 'message', channel: 'operations', bytes });

  constructor(budget: WindowBudget) {
    this.#blocks = new IncomingBlocks(budget);
  }

  /** The connection has ended: nothing more comes. */
  close(): void {
    this.#blocks.window.close();
  }

  push(event: ConnectionEvent): void {
    if (event.kind === 'drain' && this.#events.at(-1)?.kind === 'drain') return;
    this.#events.push(event);
  }

  get hasEvents(): boolean {
    return this.#head < this.#events.length;
  }

  poll(): ConnectionEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#events.length || this.#head === 256) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    if (event.kind === 'message') this.#stream(event.channel).release(event.bytes.length);
    else if (event.kind === 'block') this.#blocks.window.take(2 + event.header.length + event.body.length);
    return event;
  }

  onStream(channel: StreamChannel, offset: number, data: Uint8Array): boolean {
    const deliver = channel === 'control' ? this.#deliverControl : this.#deliverOperations;
    return this.#stream(channel).receive(offset, data, deliver);
  }

  onChunk(chunk: { id: number; total: number; offset: number }, data: Uint8Array): boolean {
    const outcome = this.#blocks.receive(chunk, data);
    if (outcome === 'violation') return false;
    if (outcome !== 'accepted') this.push({ kind: 'block', header: outcome.header, body: outcome.body });
    return true;
  }

  /** Raises the limits once the windows have moved enough; returns how often it has. */
  grant(pace: Pace): number {
    if (this.#blocks.window.isDue || this.#control.limitIsDue || this.#operations.limitIsDue) {
      this.#blocks.window.grant(pace.nowMs, pace.roundTripMs);
      this.#control.grant();
      this.#operations.grant();
      this.#grants += 1;
    }
    return this.#grants;
  }

  /** Writes what is granted; returns the position after the frames, or `at` when they do not fit before `end`. */
  writeLimits(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 3 * LIMIT_FRAME_BYTES) return at;
    const afterBlocks = writeLimit(bytes, at, LIMIT_BLOCKS, this.#blocks.window.granted);
    const afterControl = writeLimit(bytes, afterBlocks, LIMIT_CONTROL, this.#control.granted);
    return writeLimit(bytes, afterControl, LIMIT_OPERATIONS, this.#operations.granted);
  }

  #stream(channel: StreamChannel): IncomingStream {
    return channel === 'control' ? this.#control : this.#operations;
  }
}
