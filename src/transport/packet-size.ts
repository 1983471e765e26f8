// How large datagrams may be: 1200 bytes are safe anywhere; one padded PING probes for 1452. A path that swallows large
// packets (RFC 8899's black hole) is noticed by losses of large packets in a row and brings the size back down.
import {
  DATAGRAM_BYTES_MIN,
  DATAGRAM_BYTES_PROBED,
  DEAD_PROBES,
  LARGE_LOSSES_MAX,
  SIZE_PROBE_INTERVAL_MS,
} from './constants.ts';

export class PacketSize {
  current = DATAGRAM_BYTES_MIN;
  #probeAt = 0;
  #probing = false;
  #largeLosses = 0;
  #lossAt = Number.NEGATIVE_INFINITY;

  probeIsDue(nowMs: number): boolean {
    return !this.#probing && this.current < DATAGRAM_BYTES_PROBED && nowMs >= this.#probeAt;
  }

  onProbeSent(nowMs: number): void {
    this.#probing = true;
    this.#probeAt = nowMs + SIZE_PROBE_INTERVAL_MS;
  }

  onProbeAcknowledged(): void {
    this.#probing = false;
    this.current = DATAGRAM_BYTES_PROBED;
    this.#largeLosses = 0;
  }

  onProbeLost(): void {
    this.#probing = false;
  }

  onAcknowledged(bytes: number): void {
    if (bytes > DATAGRAM_BYTES_MIN) this.#largeLosses = 0;
  }

  /** Losses noticed at one time (a burst) count as one. */
  onLost(bytes: number, nowMs: number): void {
    if (bytes <= DATAGRAM_BYTES_MIN || this.current === DATAGRAM_BYTES_MIN || nowMs === this.#lossAt) return;
    this.#lossAt = nowMs;
    this.#largeLosses += 1;
    if (this.#largeLosses >= LARGE_LOSSES_MAX) this.#fallBack(nowMs);
  }

  /** Nothing comes back at all: perhaps because everything is large. */
  onProbeTimeout(probeCount: number, nowMs: number): void {
    if (probeCount === DEAD_PROBES && this.current > DATAGRAM_BYTES_MIN) this.#fallBack(nowMs);
  }

  onPathChanged(nowMs: number): void {
    this.#fallBack(nowMs);
    this.#probing = false;
    this.#probeAt = nowMs;
  }

  #fallBack(nowMs: number): void {
    this.current = DATAGRAM_BYTES_MIN;
    this.#largeLosses = 0;
    this.#probeAt = nowMs + SIZE_PROBE_INTERVAL_MS;
  }
}
