// A congestion controller after BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016; draft-ietf-ccwg-bbr
// for what losses say): it models the path as a bottleneck rate and a minimum RTT, paces at the rate and keeps about two
// bandwidth-delay products in flight. Loss alone is not taken as congestion: below HEAVY_LOSS it only ends a search for
// more rate that found none. Differences from the paper: the rate is measured once an epoch, over all of it, because a
// maximum over every acknowledgement picks the moments at which event loops were late; rounds and phases have a minimum
// length, and the window an allowance, for the same reason.
import type { AcknowledgedSample, CongestionController, LostSample } from './congestion-controller.ts';
import { CongestionWindow, STARTUP_GAIN, WINDOW_BYTES_MIN } from './congestion-window.ts';
import { DATAGRAM_BYTES_MIN, INITIAL_RTT_MS } from './constants.ts';
import { isMinimumRtt } from './minimum-rtt.ts';
import { PacketRounds } from './packet-rounds.ts';
import { RateEpochs } from './rate-epochs.ts';
import { FULL_RATE_ROUNDS, RateSearch } from './rate-search.ts';

const DRAIN_GAIN = 1 / STARTUP_GAIN;
/** The estimate is a maximum, so a little high; while the RTT shows a queue, less, so that it goes away. */
const CRUISE_GAIN = 0.995;
const QUEUED_GAIN = 0.95;
/** A cycle is one phase up, one down, then cruising; each lasts about a round trip. */
const CYCLE_PHASES = 8;
const PROBE_GAIN_MAX = 1.25;
const PROBE_GAIN_MIN = 1.06;
/** Draining lasts until the RTT shows no queue, but no longer than this. */
const DRAIN_PHASES_MAX = 4;
const QUEUE_FACTOR = 1.05;
const QUEUE_MARGIN_MS = 2; // event loops and the sending thread come late
const WINDOW_GAIN = 2;
/** In-flight allowance for batching in event loops and sparse acknowledgements. */
const SCHEDULING_ALLOWANCE_MS = 10;
const PHASE_MS_MIN = 8;
/** The rate is the greatest of the last epochs; an epoch is a round trip, and no shorter than what lateness distorts. */
const RATE_EPOCHS = 10;
/** A probe that raised the rate by this share of what it added is followed by another at once. */
const PROBE_GROWTH = 0.4;
/** The path must be seen without a queue that often, or the flow pauses to see it. */
const MINIMUM_RTT_WINDOW_MS = 10_000;
const PROBE_RTT_MS = 200;
/** Loss in a round that, where more rate was looked for and not found, says that there is none. */
const SEARCH_LOSS = 0.02;
const HEAVY_LOSS = 0.2;
const LOSS_BYTES_MIN = 8 * DATAGRAM_BYTES_MIN;
const HEAVY_LOSS_FACTOR = 0.7;

type Phase = 'startup' | 'drain' | 'probe-rate' | 'probe-rtt';

export class BandwidthController implements CongestionController {
  readonly name = 'bulk';
  phase: Phase = 'startup';
  readonly #window = new CongestionWindow();
  #gain = STARTUP_GAIN;
  // Bottleneck rate: the greatest of the last epochs, and until one after startup has ended also of any flight of startup.
  readonly #rates = new Float64Array(RATE_EPOCHS);
  #rateIndex = 0;
  #rate = 0;
  #startupRate = 0;
  readonly #epochs = new RateEpochs();
  readonly #rounds = new PacketRounds();
  #roundLost = 0;
  #roundDelivered = 0;
  readonly #search = new RateSearch();
  #pipeFull = false;
  #pipeFullAt = Number.POSITIVE_INFINITY;
  #cyclePhase = 0;
  #phaseAt = 0;
  #probeGain = PROBE_GAIN_MAX;
  #rateBeforeProbe = 0;
  #probeLost = false;
  #minimumRtt = Number.POSITIVE_INFINITY;
  #minimumRttAt = 0;
  #inflightBound = Number.POSITIVE_INFINITY;

  get windowBytes(): number {
    const bounded = Math.min(this.#window.bytes, this.#inflightBound);
    if (this.phase === 'probe-rtt') return Math.max(WINDOW_BYTES_MIN, Math.min(bounded, this.#target(0.5)));
    return Math.max(WINDOW_BYTES_MIN, bounded);
  }

  get pacingBytesPerMs(): number {
    return this.#window.pace(this.#gain * this.#rate, this.#minimumRtt);
  }

  /** Estimated bottleneck rate. */
  get rateBytesPerMs(): number {
    return this.#rate;
  }

  onAcknowledged(sample: AcknowledgedSample): void {
    this.#roundDelivered += sample.acknowledgedBytes;
    this.#updateRate(sample);
    if (this.#rounds.ends(sample)) this.#onRound(sample);
    this.#updateMinimumRtt(sample);
    this.#advancePhase(sample);
    this.#window.grow(sample.acknowledgedBytes, this.#target(WINDOW_GAIN), !this.#pipeFull);
  }

  onLost({ lostBytes }: Pick<LostSample, 'lostBytes'>): void {
    this.#roundLost += lostBytes;
  }

  onPersistentCongestion(nowMs: number): void {
    this.#rates.fill(0);
    this.#rate = 0;
    this.#startupRate = 0;
    this.#epochs.reset();
    this.#window.restart();
    this.#inflightBound = Number.POSITIVE_INFINITY;
    this.#minimumRtt = Number.POSITIVE_INFINITY;
    this.#minimumRttAt = nowMs;
    this.#pipeFull = false;
    this.#pipeFullAt = Number.POSITIVE_INFINITY;
    this.#search.restart();
    this.#probeGain = PROBE_GAIN_MAX;
    this.#enter('startup', STARTUP_GAIN, nowMs);
  }

  #updateRate(sample: AcknowledgedSample): void {
    if (!this.#pipeFull && sample.bytesPerMs > this.#startupRate) this.#startupRate = sample.bytesPerMs;
    const epoch = this.#epochs.update(sample, this.#minimumRtt);
    // What there was to send bounds the rate of such an epoch, so it can only show that the path takes more.
    if (epoch !== undefined && (!epoch.appLimited || epoch.bytesPerMs > this.#rate)) {
      this.#rates[this.#rateIndex] = epoch.bytesPerMs;
      this.#rateIndex = (this.#rateIndex + 1) % RATE_EPOCHS;
      // An epoch that began after the search says more than the search.
      if (epoch.beganAt > this.#pipeFullAt) this.#startupRate = 0;
    }
    this.#rate = this.#startupRate;
    for (const known of this.#rates) this.#rate = Math.max(this.#rate, known);
  }

  #onRound(sample: AcknowledgedSample): void {
    const lossShare = this.#roundLost / Math.max(1, this.#roundLost + this.#roundDelivered);
    const counts = this.#roundLost >= LOSS_BYTES_MIN;
    const heavy = counts && lossShare > HEAVY_LOSS;
    const searchLoss = counts && lossShare > SEARCH_LOSS;
    if (searchLoss && this.#cyclePhase <= 2) this.#probeLost = true;
    if (heavy) {
      const inFlight = Math.max(sample.bytesInFlight, this.#target(1));
      this.#inflightBound = Math.max(WINDOW_BYTES_MIN, Math.min(this.windowBytes, inFlight) * HEAVY_LOSS_FACTOR);
      this.#onPipeFull(sample.nowMs);
    } else if (this.#inflightBound < this.#window.bytes) {
      this.#inflightBound *= 1.05;
    } else this.#inflightBound = Number.POSITIVE_INFINITY;
    if (!this.#pipeFull && !sample.appLimited) this.#checkPipeFull(searchLoss, sample.nowMs);
    this.#roundLost = 0;
    this.#roundDelivered = 0;
  }

  #checkPipeFull(searchLoss: boolean, nowMs: number): void {
    this.#search.onRound(this.#rate);
    const { rounds } = this.#search;
    if (rounds >= FULL_RATE_ROUNDS || (rounds > 0 && searchLoss)) this.#onPipeFull(nowMs);
  }

  #onPipeFull(nowMs: number): void {
    if (!this.#pipeFull) this.#pipeFullAt = nowMs;
    this.#pipeFull = true;
  }

  #updateMinimumRtt(sample: AcknowledgedSample): void {
    const expired = sample.nowMs - this.#minimumRttAt > MINIMUM_RTT_WINDOW_MS;
    if (isMinimumRtt(sample.rttMs, this.#minimumRtt)) {
      this.#minimumRtt = Math.min(this.#minimumRtt, sample.rttMs);
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
      if (!this.#seesQueue(sample) || this.#phaseLasted(DRAIN_PHASES_MAX, nowMs)) this.#enterProbeRate(nowMs);
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
    this.#cyclePhase = 2;
    this.#probeLost = false;
    this.#rateBeforeProbe = this.#rate;
    this.#enter('probe-rate', CRUISE_GAIN, nowMs);
  }

  #advanceCycle(sample: AcknowledgedSample): void {
    if (!this.#phaseLasted(1, sample.nowMs)) return;
    this.#cyclePhase = (this.#cyclePhase + 1) % CYCLE_PHASES;
    // What a probe found is known once its packets were acknowledged, and an epoch has ended since.
    const grew = this.#rate > this.#rateBeforeProbe * (1 + (this.#probeGain - 1) * PROBE_GROWTH);
    if (this.#cyclePhase === 4 && grew) this.#cyclePhase = 0;
    if (this.#cyclePhase === 0) this.#beginProbe(grew, sample.nowMs);
    else if (this.#cyclePhase === 1) this.#enter('probe-rate', 2 - this.#probeGain, sample.nowMs);
    else this.#enter('probe-rate', this.#seesQueue(sample) ? QUEUED_GAIN : CRUISE_GAIN, sample.nowMs);
  }

  #phaseLasted(phases: number, nowMs: number): boolean {
    return nowMs - this.#phaseAt >= phases * Math.max(this.#minimumRtt, PHASE_MS_MIN);
  }

  #seesQueue(sample: AcknowledgedSample): boolean {
    return sample.rttMs > this.#minimumRtt * QUEUE_FACTOR + QUEUE_MARGIN_MS;
  }

  /** A probe that lost packets and found nothing is followed by a smaller one; one that found more, by a full one. */
  #beginProbe(grew: boolean, nowMs: number): void {
    if (grew) this.#probeGain = PROBE_GAIN_MAX;
    else if (this.#probeLost) this.#probeGain = Math.max(PROBE_GAIN_MIN, (1 + this.#probeGain) / 2);
    this.#probeLost = false;
    this.#rateBeforeProbe = this.#rate;
    this.#enter('probe-rate', this.#probeGain, nowMs);
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
}
