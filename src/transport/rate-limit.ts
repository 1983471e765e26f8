// A bound on what a node sends to all its peers together, whatever their congestion controllers allow: one clock of
// departures that the pacers of all connections share. A packet of data departs no earlier than it says, and every packet
// moves it on by the time that its bytes take at the limit: acknowledgements and probes do not wait, so data waits for
// them.
import { ETHERNET_DATAGRAM_BYTES } from './constants.ts';
import { DepartureClock } from './departure-clock.ts';

/** Of IP and UDP, as in IPv6. */
const HEADERS_BYTES = 48;
/** A connection sends so much before the others get their turn. */
const TURN_MS = 1;
const TURN_BYTES_MIN = 4 * ETHERNET_DATAGRAM_BYTES;
/** Data waits no longer than this for what did not wait. */
const DEBT_MS_MAX = 1000;
/** Instead of no limit. */
const UNLIMITED_BYTES_PER_MS = 1e12;

export class RateLimit {
  /** Of IP packets; undefined: no limit. May change at any time. */
  bytesPerMs: number | undefined;
  readonly #clock = new DepartureClock();
  #turnBytes = 0;

  constructor(bytesPerMs?: number) {
    this.bytesPerMs = bytesPerMs;
  }

  get #rate(): number {
    return this.bytesPerMs ?? UNLIMITED_BYTES_PER_MS;
  }

  /** Begins a connection's turn. */
  begin(nowMs: number): void {
    this.#turnBytes = 0;
    this.#clock.begin(nowMs, this.#rate);
  }

  /** Whether a packet of data may be made in this turn. */
  get open(): boolean {
    return this.#clock.open && this.#turnBytes < Math.max(TURN_BYTES_MIN, TURN_MS * this.#rate);
  }

  /** Nobody may send data now. */
  get exhausted(): boolean {
    return !this.#clock.open;
  }

  /** When `begin` will open it again. */
  get opensAt(): number {
    return this.#clock.opensAt;
  }

  /** The earliest departure of a packet of data. */
  get nextAt(): number {
    return this.#clock.nextAt;
  }

  /** A datagram of so many bytes left. */
  spend(datagramBytes: number, nowMs: number): void {
    this.#turnBytes += datagramBytes;
    if (this.#clock.nextAt < nowMs + DEBT_MS_MAX) this.#clock.spend(datagramBytes + HEADERS_BYTES, nowMs);
  }
}
