// A connection between two simulated nodes, as the real transport behaves: messages whole and in order per channel,
// blocks in any order, a bandwidth, acknowledgements, and a cut that loses what is under way. Checks that no literal
// byte is sent twice on one link, or although the receiver said at the start that it holds it.
import { type Milliseconds, milliseconds } from '../../../src/base/units.ts';
import { logKey } from '../../../src/replication/log-name.ts';
import type { Channel, LogName, PeerLink, PeerLinkEvents, PositionRange } from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import { decodeBlockHeader, decodeControl } from '../../../src/wire/messages.ts';
import type { Scheduler, SeededRandom } from './scheduler.ts';

export interface LinkProfile {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
}

export interface LinkEndOptions {
  readonly peer: Uint8Array;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly profile: LinkProfile;
  /** What the other side holds when the link starts. */
  readonly heldThere: (log: LogName) => RangeSet;
  /** Bytes may be sent again where faults were put in. */
  readonly lenient: boolean;
  readonly onSent: (bytes: number) => void;
  readonly onLiteral: (log: LogName, range: PositionRange) => void;
  readonly onLocalClose: (reason: string) => void;
}

const LOW_WATER_BYTES = 2000;

export const linkErrors: string[] = [];

export class LinkEnd implements PeerLink {
  readonly peer: Uint8Array;
  /** The other end's events: set once both ends are there. */
  receiver: PeerLinkEvents | undefined;
  /** This end's own events. */
  events: PeerLinkEvents | undefined;
  unacknowledgedBytes = 0;
  windowBytes = 0;
  #closed = false;
  readonly #options: LinkEndOptions;
  readonly #channelFreeAt = new Map<string, number>();
  #wireFreeAt = 0;
  readonly #names: (LogName | undefined)[] = [];
  readonly #sentRanges = new Map<string, RangeSet>();
  readonly #heldAtStart = new Map<string, RangeSet>();

  constructor(options: LinkEndOptions) {
    this.#options = options;
    this.peer = options.peer;
  }

  get unsentBytes(): number {
    const { scheduler, profile } = this.#options;
    return Math.max(0, this.#wireFreeAt - scheduler.now) * profile.bytesPerMs;
  }

  get rateBytesPerMs(): number {
    return this.#options.profile.bytesPerMs;
  }

  get smoothedRtt(): Milliseconds {
    return milliseconds(this.#options.profile.latencyMs * 2 + this.#options.profile.jitterMs);
  }

  /** Remembers what the receiver holds now: its first announcement says no less. */
  snapshot(logs: readonly LogName[]): void {
    for (const log of logs) this.#heldAtStart.set(logKey(log), this.#options.heldThere(log));
  }

  sendMessage(channel: Channel, bytes: Uint8Array): void {
    if (this.#closed) return;
    const copy = Uint8Array.from(bytes);
    if (channel === 'control') this.#learnNames(bytes);
    const arrival = Math.max(this.#transmit(bytes.length), this.#channelFreeAt.get(channel) ?? 0);
    this.#channelFreeAt.set(channel, arrival);
    this.#deliver(arrival, bytes.length, () => this.receiver?.onMessage(channel, copy));
  }

  sendBlock(header: Uint8Array, body: Uint8Array): void {
    if (this.#closed) return;
    this.#check(header);
    const [headerCopy, bodyCopy] = [Uint8Array.from(header), Uint8Array.from(body)];
    const bytes = header.length + body.length;
    const reorderMs = this.#options.random.next() * this.#options.profile.jitterMs * 3;
    const arrival = this.#transmit(bytes) + reorderMs;
    this.#deliver(arrival, bytes, () => this.receiver?.onBlock(headerCopy, bodyCopy));
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onLocalClose(reason);
  }

  /** Raw bytes of literals that were sent here and are not held there. */
  lostBytes(): number {
    let bytes = 0;
    for (const [key, sent] of this.#sentRanges) {
      const log = this.#names.find((name) => name !== undefined && logKey(name) === key);
      if (log) bytes += sent.without(this.#options.heldThere(log)).bytes;
    }
    return bytes;
  }

  /** The transport gave up. */
  cut(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.events?.onClosed(reason);
  }

  #transmit(bytes: number): number {
    const { scheduler, profile, random } = this.#options;
    const start = Math.max(scheduler.now, this.#wireFreeAt);
    this.#wireFreeAt = start + (bytes + 40) / profile.bytesPerMs;
    this.#options.onSent(bytes);
    return this.#wireFreeAt + profile.latencyMs + random.next() * profile.jitterMs;
  }

  #deliver(arrival: number, bytes: number, run: () => void): void {
    const { scheduler, profile } = this.#options;
    this.unacknowledgedBytes += bytes;
    scheduler.at(arrival, () => {
      if (this.#closed) return;
      run();
      scheduler.after(profile.latencyMs, () => {
        const before = this.unacknowledgedBytes;
        this.unacknowledgedBytes -= bytes;
        const drained = before >= LOW_WATER_BYTES && this.unacknowledgedBytes < LOW_WATER_BYTES;
        if (drained && !this.#closed) this.events?.onDrain();
      });
    });
  }

  #learnNames(bytes: Uint8Array): void {
    const message = decodeControl(bytes);
    if (!message.ok) throw new Error(message.reason);
    const { value } = message;
    const references = value.kind === 'positions' ? value.logs.map((entry) => entry.log) : [];
    if ('log' in value) references.push(value.log);
    for (const reference of references) if (reference.name) this.#names[reference.index] = reference.name;
  }

  #check(headerBytes: Uint8Array): void {
    const header = decodeBlockHeader(headerBytes);
    if (!header.ok) throw new Error(header.reason);
    const { log: reference, start, end, ask, recipe } = header.value;
    if (reference.name) this.#names[reference.index] = reference.name;
    const log = this.#names[reference.index];
    if (!log) throw new Error('a block of a log that was never named');
    const range = { start, end };
    const key = logKey(log);
    if (recipe) {
      if (!this.#options.lenient && this.#sentRanges.get(key)?.intersects(range))
        linkErrors.push(`a recipe of ${key} ${start}-${end}, of which bytes were sent`);
      return;
    }
    this.#options.onLiteral(log, range);
    const sent = this.#sentRanges.get(key) ?? new RangeSet();
    this.#sentRanges.set(key, sent);
    if (!this.#options.lenient && sent.intersects(range))
      linkErrors.push(`${key} ${start}-${end} was sent twice (ask ${ask})`);
    if (!this.#options.lenient && this.#heldAtStart.get(key)?.intersects(range)) {
      linkErrors.push(`${key} ${start}-${end} was sent although it was held`);
    }
    sent.add(range);
  }
}
