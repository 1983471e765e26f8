// A congestion controller after BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): it models the
// path as a bottleneck rate (windowed maximum of the delivery rate) and a minimum RTT, paces at the rate and keeps about
// two bandwidth-delay products in flight. Loss below HEAVY_LOSS is not taken as congestion; above it, the window is
// bounded by what was in flight, and the bound grows again while losses stay away. Differences from the paper: rounds
// and phases have a minimum length, and the window an allowance, because event loops run every few milliseconds.
import type { AcknowledgedSample, CongestionController } from './congestion-controller.ts';
import { DATAGRAM_BYTES_MIN, INITIAL_RTT_MS } from './constants.ts';

const STARTUP_GAIN = 2.885; // 2 / ln 2
const DRAIN_GAIN = 1 / STARTUP_GAIN;
const PROBE_GAINS: readonly number[] = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
const WINDOW_GAIN = 2;
const WINDOW_BYTES_MIN = 4 * DATAGRAM_BYTES_MIN;
const WINDOW_BYTES_INITIAL = 32 * DATAGRAM_BYTES_MIN;
/** In-flight allowance for batching in event loops and sparse acknowledgements. */
const SCHEDULING_ALLOWANCE_MS = 10;
const ROUND_MS_MIN = 5;
const PHASE_MS_MIN = 8;
const RATE_BUCKETS = 10;
const RATE_BUCKET_MS_MIN = 30;
const FULL_RATE_GROWTH = 1.25;
const FULL_RATE_ROUNDS = 3;
const MINIMUM_RTT_WINDOW_MS = 10_000;
const PROBE_RTT_MS = 200;
const HEAVY_LOSS = 0.2;
const HEAVY_LOSS_BYTES_MIN = 8 * DATAGRAM_BYTES_MIN;
const HEAVY_LOSS_FACTOR = 0.7;

type Phase = 'startup' | 'drain' | 'probe-rate' | 'probe-rtt';

export class BandwidthController implements CongestionController {
  readonly name = 'bandwidth';
  phase: Phase = 'startup';
  #window = WINDOW_BYTES_INITIAL;
  #gain = STARTUP_GAIN;
  // Bottleneck rate: maxima of the last buckets.
  readonly #rates = new Float64Array(RATE_BUCKETS);
  #rateBucket = 0;
  #rateBucketAt = 0;
  #rate = 0;
  // Rounds.
  #nextRoundDelivered = 0;
  #roundAt = 0;
  #roundLost = 0;
  #roundDelivered = 0;
  #fullRate = 0;
  #fullRounds = 0;
  #pipeFull = false;
  #cycleIndex = 2;
  #phaseAt = 0;
  #minimumRtt = Number.POSITIVE_INFINITY;
  #minimumRttAt = 0;
  #inflightBound = Number.POSITIVE_INFINITY;

  get windowBytes(): number {
    const bounded = Math.min(this.#window, this.#inflightBound);
    if (this.phase === 'probe-rtt') return Math.max(WINDOW_BYTES_MIN, Math.min(bounded, this.#target(0.5)));
    return Math.max(WINDOW_BYTES_MIN, bounded);
  }

  get pacingBytesPerMs(): number {
    if (this.#rate > 0) return Math.max(this.#gain * this.#rate, 1);
    const rtt = Number.isFinite(this.#minimumRtt) ? Math.max(this.#minimumRtt, 1) : INITIAL_RTT_MS;
    return (STARTUP_GAIN * WINDOW_BYTES_INITIAL) / rtt;
  }

  /** Estimated bottleneck rate. */
  get rateBytesPerMs(): number {
    return this.#rate;
  }

  onAcknowledged(sample: AcknowledgedSample): void {
    const { nowMs } = sample;
    this.#roundDelivered += sample.acknowledgedBytes;
    const roundStarts = sample.priorDelivered >= this.#nextRoundDelivered && nowMs - this.#roundAt >= ROUND_MS_MIN;
    this.#updateRate(sample, roundStarts);
    if (roundStarts) this.#onRound(sample);
    this.#updateMinimumRtt(sample);
    this.#advancePhase(sample);
    this.#updateWindow(sample);
  }

  onLost(lostBytes: number): void {
    this.#roundLost += lostBytes;
  }

  onPersistentCongestion(nowMs: number): void {
    this.#rates.fill(0);
    this.#rate = 0;
    this.#window = WINDOW_BYTES_INITIAL;
    this.#inflightBound = Number.POSITIVE_INFINITY;
    this.#minimumRtt = Number.POSITIVE_INFINITY;
    this.#minimumRttAt = nowMs;
    this.#pipeFull = false;
    this.#fullRate = 0;
    this.#fullRounds = 0;
    this.#enter('startup', STARTUP_GAIN, nowMs);
  }

  #updateRate(sample: AcknowledgedSample, roundStarts: boolean): void {
    if (roundStarts && sample.nowMs - this.#rateBucketAt >= RATE_BUCKET_MS_MIN && !sample.appLimited) {
      this.#rateBucket = (this.#rateBucket + 1) % RATE_BUCKETS;
      this.#rates[this.#rateBucket] = 0;
      this.#rateBucketAt = sample.nowMs;
    }
    if (!sample.appLimited || sample.bytesPerMs > this.#rate) {
      this.#rates[this.#rateBucket] = Math.max(this.#rates[this.#rateBucket] ?? 0, sample.bytesPerMs);
    }
    let maximum = 0;
    for (const rate of this.#rates) maximum = Math.max(maximum, rate);
    this.#rate = maximum;
  }

  #onRound(sample: AcknowledgedSample): void {
    const lossShare = this.#roundLost / Math.max(1, this.#roundLost + this.#roundDelivered);
    const heavy = lossShare > HEAVY_LOSS && this.#roundLost >= HEAVY_LOSS_BYTES_MIN;
    if (heavy) {
      const inFlight = Math.max(sample.bytesInFlight, this.#target(1));
      this.#inflightBound = Math.max(WINDOW_BYTES_MIN, Math.min(this.windowBytes, inFlight) * HEAVY_LOSS_FACTOR);
      this.#pipeFull = true;
    } else if (this.#inflightBound < this.#window) {
      this.#inflightBound *= 1.05;
    } else this.#inflightBound = Number.POSITIVE_INFINITY;
    if (!this.#pipeFull && !sample.appLimited) this.#checkPipeFull();
    this.#nextRoundDelivered = sample.delivered;
    this.#roundAt = sample.nowMs;
    this.#roundLost = 0;
    this.#roundDelivered = 0;
  }

  #checkPipeFull(): void {
    if (this.#rate >= this.#fullRate * FULL_RATE_GROWTH) {
      this.#fullRate = this.#rate;
      this.#fullRounds = 0;
      return;
    }
    this.#fullRounds += 1;
    if (this.#fullRounds >= FULL_RATE_ROUNDS) this.#pipeFull = true;
  }

  #updateMinimumRtt(sample: AcknowledgedSample): void {
    const expired = sample.nowMs - this.#minimumRttAt > MINIMUM_RTT_WINDOW_MS;
    if (sample.rttMs <= this.#minimumRtt) {
      this.#minimumRtt = sample.rttMs;
      this.#minimumRttAt = sample.nowMs;
    } else if (expired && this.phase !== 'probe-rtt') {
      // An idle or application-limited flow does not build a queue: what it sees is the path.
      if (sample.appLimited) {
        this.#minimumRtt = sample.rttMs;
        this.#minimumRttAt = sample.nowMs;
      } else this.#enter('probe-rtt', 1, sample.nowMs);
    }
  }

  #advancePhase(sample: AcknowledgedSample): void {
    const { nowMs } = sample;
    if (this.phase === 'startup' && this.#pipeFull) this.#enter('drain', DRAIN_GAIN, nowMs);
    if (this.phase === 'drain') {
      const drained = sample.bytesInFlight <= this.#target(1);
      if (drained || nowMs - this.#phaseAt > 4 * this.#minimumRtt + ROUND_MS_MIN) this.#enterProbeRate(nowMs);
    } else if (this.phase === 'probe-rtt') {
      if (nowMs - this.#phaseAt < PROBE_RTT_MS + this.#minimumRtt) return;
      this.#minimumRtt = Math.min(this.#minimumRtt, sample.rttMs);
      if (nowMs - this.#minimumRttAt > MINIMUM_RTT_WINDOW_MS) this.#minimumRtt = sample.rttMs;
      this.#minimumRttAt = nowMs;
      if (this.#pipeFull) this.#enterProbeRate(nowMs);
      else this.#enter('startup', STARTUP_GAIN, nowMs);
    } else if (this.phase === 'probe-rate') this.#advanceCycle(sample);
  }

  #enterProbeRate(nowMs: number): void {
    this.#cycleIndex = 2;
    this.#enter('probe-rate', 1, nowMs);
  }

  #advanceCycle(sample: AcknowledgedSample): void {
    const lasted = sample.nowMs - this.#phaseAt >= Math.max(this.#minimumRtt, PHASE_MS_MIN);
    const drained = this.#gain < 1 && sample.bytesInFlight <= this.#target(1);
    if (!lasted && !drained) return;
    this.#cycleIndex = (this.#cycleIndex + 1) % PROBE_GAINS.length;
    this.#enter('probe-rate', PROBE_GAINS[this.#cycleIndex] ?? 1, sample.nowMs);
  }

  #enter(phase: Phase, gain: number, nowMs: number): void {
    this.phase = phase;
    this.#gain = gain;
    this.#phaseAt = nowMs;
  }

  #target(gain: number): number {
    const rtt = Number.isFinite(this.#minimumRtt) ? this.#minimumRtt : INITIAL_RTT_MS;
    return gain * this.#rate * (rtt + SCHEDULING_ALLOWANCE_MS);
  }

  #updateWindow(sample: AcknowledgedSample): void {
    const target = Math.max(this.#target(this.#pipeFull ? WINDOW_GAIN : STARTUP_GAIN), WINDOW_BYTES_MIN);
    if (this.#pipeFull) this.#window = Math.min(this.#window + sample.acknowledgedBytes, target);
    else if (this.#window < target || sample.delivered < WINDOW_BYTES_INITIAL) {
      this.#window += sample.acknowledgedBytes;
    }
  }
}
