// How large datagrams may be (RFC 8899): 1200 bytes are safe anywhere; padded PINGs search for more, and what one of
// them reached is used. The sizes that most paths have are tried first, what lies between after one of those failed. A
// path that begins to swallow large packets (a black hole) is noticed by losses of them in a row, or by silence, and
// takes the size one landmark down.
import {
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  DEAD_PROBES,
  LARGE_LOSSES_MAX,
  SIZE_PROBE_INTERVAL_MS,
  SIZE_PROBES_MAX,
} from './constants.ts';

/** What is searched for: the UDP payload of IPv6 packets of 1280 bytes or less, 1420 (WireGuard), 1500 (Ethernet), 4096,
 *  8896 (virtual networks) and 9000 (jumbo frames). */
const SIZES: readonly number[] = [DATAGRAM_BYTES_MIN, 1372, 1452, 4048, 8848, DATAGRAM_BYTES_MAX];
const LANDMARKS: readonly number[] = [DATAGRAM_BYTES_MIN, 1452, DATAGRAM_BYTES_MAX];

export class PacketSize {
  current = DATAGRAM_BYTES_MIN;
  /** The size that the next probe has, or the one under way. */
  probeBytes = 0;
  /** The landmark below `current`. */
  #below = DATAGRAM_BYTES_MIN;
  /** The least size that did not pass, or infinity. */
  #failing = Number.POSITIVE_INFINITY;
  #searching = true;
  #probeAt = 0;
  #isProbing = false;
  /** Probes of probeBytes lost in a row. */
  #lostProbes = 0;
  #largeLosses = 0;
  #lossAt = Number.NEGATIVE_INFINITY;

  constructor() {
    this.#settle(DATAGRAM_BYTES_MIN, 0);
  }

  probeIsDue(nowMs: number): boolean {
    return !this.#isProbing && nowMs >= this.#probeAt;
  }

  onProbeSent(): void {
    this.#isProbing = true;
  }

  onProbeAcknowledged(bytes: number, nowMs: number): void {
    if (bytes !== this.probeBytes) return; // of a search that is over
    if (this.#failing <= bytes) this.#failing = Number.POSITIVE_INFINITY;
    this.#settle(bytes, nowMs);
  }

  onProbeLost(bytes: number, nowMs: number): void {
    if (!this.#isProbing || bytes !== this.probeBytes) return;
    this.#isProbing = false;
    if (!this.#searching) {
      this.#probeAt = nowMs + SIZE_PROBE_INTERVAL_MS;
      return;
    }
    this.#lostProbes += 1;
    if (this.#lostProbes < SIZE_PROBES_MAX) return;
    this.#failing = bytes;
    this.#settle(this.current, nowMs);
  }

  onAcknowledged(bytes: number): void {
    if (bytes > this.#below) this.#largeLosses = 0;
  }

  /** Losses noticed at one time (a burst) count as one. */
  onLost(bytes: number, nowMs: number): void {
    if (bytes <= this.#below || bytes > this.current || nowMs === this.#lossAt) return;
    this.#lossAt = nowMs;
    this.#largeLosses += 1;
    if (this.#largeLosses < LARGE_LOSSES_MAX) return;
    this.#failing = this.current;
    this.#settle(this.#below, nowMs);
  }

  /** Nothing comes back at all: perhaps because everything is large. If not, the search finds the size again. */
  onProbeTimeout(probeCount: number, nowMs: number): void {
    if (probeCount < DEAD_PROBES || this.current === DATAGRAM_BYTES_MIN) return;
    this.#failing = Number.POSITIVE_INFINITY;
    this.#settle(this.#below, nowMs);
  }

  onPathChanged(nowMs: number): void {
    this.#failing = Number.POSITIVE_INFINITY;
    this.#settle(DATAGRAM_BYTES_MIN, nowMs);
  }

  /** Uses a size, and chooses what is probed for next. */
  #settle(bytes: number, nowMs: number): void {
    this.current = bytes;
    this.#below = LANDMARKS.findLast((landmark) => landmark < bytes) ?? DATAGRAM_BYTES_MIN;
    this.#largeLosses = 0;
    this.#lostProbes = 0;
    this.#isProbing = false;
    const larger = SIZES.filter((size) => size > bytes);
    const possible = larger.filter((size) => size < this.#failing);
    this.#searching = possible.length > 0;
    if (this.#searching) {
      const middle = possible[(possible.length - 1) >> 1];
      const landmark = LANDMARKS.find((size) => size > bytes);
      this.probeBytes = (this.#failing === Number.POSITIVE_INFINITY ? landmark : middle) ?? DATAGRAM_BYTES_MAX;
      this.#probeAt = nowMs;
    } else {
      this.probeBytes = larger[0] ?? 0;
      this.#probeAt = larger.length > 0 ? nowMs + SIZE_PROBE_INTERVAL_MS : Number.POSITIVE_INFINITY;
    }
  }
}
