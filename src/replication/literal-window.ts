// Literals sent to one peer and not yet announced as held there: what must not be sent again on this link, and the
// window that bounds the peer's memory. An entry leaves when the peer's have-set covers it, or when the peer says it
// came to nothing.
import type { ReplicationBounds } from './context.ts';
import type { LogKey } from './log-name.ts';
import type { PeerLog } from './peer-view.ts';
import type { PeerLink, PositionRange } from './ports.ts';
import { RangeSet } from './range-set.ts';

interface SentLiteral {
  readonly range: PositionRange;
  readonly frameBytes: number;
}

export class LiteralWindow {
  readonly #bounds: ReplicationBounds;
  readonly #link: Pick<PeerLink, 'windowBytes'>;
  readonly #sent = new Map<LogKey, SentLiteral[]>();
  readonly #ranges = new Map<LogKey, RangeSet>();
  #bytes = 0;
  #count = 0;

  constructor(bounds: ReplicationBounds, link: Pick<PeerLink, 'windowBytes'>) {
    this.#bounds = bounds;
    this.#link = link;
  }

  /** Bytes that may be under way: what the link's own window has grown to, within bounds. */
  get bytesMax(): number {
    const { literalsInFlightBytesMax, literalsInFlightGrownBytesMax } = this.#bounds;
    return Math.max(literalsInFlightBytesMax, Math.min(this.#link.windowBytes, literalsInFlightGrownBytesMax));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.bytesMax || this.#count >= this.#bounds.literalsInFlightMax;
  }

  ranges(key: LogKey): RangeSet {
    const known = this.#ranges.get(key);
    if (known) return known;
    const created = new RangeSet();
    this.#ranges.set(key, created);
    return created;
  }

  sent(key: LogKey, range: PositionRange, frameBytes: number): void {
    const entries = this.#sent.get(key) ?? [];
    entries.push({ range, frameBytes });
    this.#sent.set(key, entries);
    this.ranges(key).add(range);
    this.#bytes += frameBytes;
    this.#count++;
  }

  /** The peer holds more: its literals need no place any more. */
  confirm(key: LogKey, peer: PeerLog): void {
    this.#drop(key, (range) => peer.held.covers(range));
  }

  /** The peer asks for these although they were sent: they came to nothing. */
  forget(key: LogKey, asked: RangeSet): void {
    this.#drop(key, (range) => asked.intersects(range));
  }

  #drop(key: LogKey, gone: (range: PositionRange) => boolean): void {
    const entries = this.#sent.get(key);
    if (!entries) return;
    const ranges = this.ranges(key);
    const kept = entries.filter((entry) => {
      if (!gone(entry.range)) return true;
      ranges.remove(entry.range);
      this.#bytes -= entry.frameBytes;
      this.#count--;
      return false;
    });
    this.#sent.set(key, kept);
  }
}
