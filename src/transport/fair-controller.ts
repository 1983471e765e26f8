// The `fair` profile: BBR version 3 (draft-ietf-ccwg-bbr), which shares a queue with flows that take loss as the sign of
// congestion. It models a path by the rate at which it delivers, its minimum RTT, and how much may be in flight before
// losses pass a threshold (fair-bounds.ts); looks for more every two or three seconds, and leaves headroom in between.
// What differs from the draft, and why: docs/design/0075.
import type { Random } from '../base/clock.ts';
import type { AcknowledgedSample, CongestionController, LostSample } from './congestion-controller.ts';
import { CongestionWindow, STARTUP_GAIN, WINDOW_BYTES_MIN } from './congestion-window.ts';
import { ETHERNET_DATAGRAM_BYTES, INITIAL_RTT_MS } from './constants.ts';
import { exceedsLossThreshold, FairBounds, LOSS_FACTOR } from './fair-bounds.ts';
import { isMinimumRtt } from './minimum-rtt.ts';
import { PacketRounds } from './packet-rounds.ts';
import { type RateEpoch, RateEpochs } from './rate-epochs.ts';
import { FULL_RATE_ROUNDS, RateSearch } from './rate-search.ts';

const DRAIN_GAIN = 0.5;
const DOWN_GAIN = 0.9;
const CRUISE_GAIN = 0.99;
const UP_GAIN = 1.25;
const WINDOW_GAIN = 2;
const UP_WINDOW_GAIN = 2.25;
/** In-flight allowance for batching in event loops, packets made ahead of their departure and sparse acknowledgements. */
const SCHEDULING_ALLOWANCE_MS = 10;
/** Where the RTT shows a queue, a search takes fewer rounds: in startup, and in a look for more. */
const FULL_RATE_ROUNDS_QUEUED = { startup: 1, up: 2 };
/** In a queue shared with others a look for more goes so far over the bound; a rate that grew by so much of it, as only a
 * small part of the path does, raises the bound. */
const SHARE_PROBE = 1.25;
const SHARE_PROBE_GROWTH = 1.1;
/** A loss in a queue leaves at least this of what the path itself holds. */
const PATH_SHARE_LEAST = 0.85;
/** An RTT above this shows a queue. */
const QUEUE_FACTOR = 1.1;
const QUEUE_MARGIN_MS = 2;
/** Between two looks for more: so long, and a random part of a second longer; or a round for each packet of the flow's
 * bandwidth-delay product, as a Reno flow of its size would need to lose again. */
const PROBE_WAIT_MS = 2000;
const PROBE_WAIT_RANDOM_MS = 1000;
const RENO_ROUNDS_MAX = 63;
const MINIMUM_RTT_WINDOW_MS = 10_000;
const PROBE_RTT_INTERVAL_MS = 5000;
const PROBE_RTT_MS = 200;
const PROBE_RTT_GAIN = 0.5;

type Phase = 'startup' | 'drain' | 'down' | 'cruise' | 'refill' | 'up' | 'probe-rtt';

const PACING_GAINS: Readonly<Record<Phase, number>> = {
  startup: STARTUP_GAIN,
  drain: DRAIN_GAIN,
  down: DOWN_GAIN,
  cruise: CRUISE_GAIN,
  refill: CRUISE_GAIN,
  up: UP_GAIN,
  'probe-rtt': CRUISE_GAIN,
};

export class FairController implements CongestionController {
  readonly name = 'fair';
  phase: Phase = 'startup';
  readonly bounds = new FairBounds();
  readonly #random: Random;
  readonly #rounds = new PacketRounds();
  readonly #epochs = new RateEpochs();
  readonly #window = new CongestionWindow();
  // Delivery rate: the greatest of the epochs of this cycle and the last, and of flights while startup lasts.
  #cycleRate = 0;
  #lastCycleRate = 0;
  #startupRate = 0;
  #fullAt = Number.POSITIVE_INFINITY;
  #latestRate = 0;
  #epochLost = 0;
  #epochInFlight = 0;
  #lastRtt = 0;
  // The search for the rate, in startup and in each look for more.
  readonly #search = new RateSearch();
  #roundLost = 0;
  #roundDelivered = 0;
  // The cycle.
  #cycleAt = 0;
  #probeWaitMs = PROBE_WAIT_MS;
  #rateBeforeProbe = 0;
  #roundsSinceProbe = 0;
  /** Losses tell of what was sent in a look for more, and were not yet answered. */
  #probeCounts = false;
  /** A cycle's rates end a round after its look for more. */
  #cycleEnds = false;
  #lost = 0;
  #lostAtReduction = 0;
  // Minimum RTT.
  #minimumRtt = Number.POSITIVE_INFINITY;
  #minimumRttAt = 0;
  #recentMinimumRtt = Number.POSITIVE_INFINITY;
  #recentMinimumRttAt = 0;
  #probeRttUntil: number | undefined;
  #probeRttRoundEnded = false;

  constructor(random: Random) {
    this.#random = random;
  }

  get windowBytes(): number {
    return Math.max(WINDOW_BYTES_MIN, Math.min(this.#window.bytes, this.#inFlightMax));
  }

  get pacingBytesPerMs(): number {
    return this.#window.pace(PACING_GAINS[this.phase] * this.rateBytesPerMs, this.#minimumRtt);
  }

  /** Estimated rate of the path, with what losses of others leave of it. */
  get rateBytesPerMs(): number {
    return Math.min(this.#maximumRate, this.bounds.shortTermRate);
  }

  get #maximumRate(): number {
    return Math.max(this.#startupRate, this.#lastCycleRate, this.#cycleRate);
  }

  get #inFlightMax(): number {
    const { bounds } = this;
    if (this.phase === 'startup' || this.phase === 'drain') return Number.POSITIVE_INFINITY;
    const most = Math.min(this.#longTermInFlight, bounds.shortTermInFlight);
    return this.phase === 'probe-rtt' ? Math.min(most, this.#bandwidthDelay(PROBE_RTT_GAIN, 0)) : most;
  }

  /** Headroom is left of a queue, not of what the path itself holds; and not twice, after a loss has left some. */
  get #longTermInFlight(): number {
    const { bounds, phase } = this;
    const most = bounds.longTermInFlight;
    if (bounds.isCubic) return phase === 'up' ? SHARE_PROBE * most : most;
    return phase === 'cruise' ? Math.max(bounds.inFlightWithHeadroom, Math.min(most, this.#bandwidthDelay(1))) : most;
  }

  /** Between looks for more, where losses come from others. */
  get #isSteady(): boolean {
    return this.phase !== 'startup' && this.phase !== 'refill' && this.phase !== 'up';
  }

  onAcknowledged(sample: AcknowledgedSample): void {
    this.#roundDelivered += sample.acknowledgedBytes;
    this.#epochInFlight = Math.max(this.#epochInFlight, sample.delivered - sample.priorDelivered);
    this.#lastRtt = sample.rttMs;
    this.bounds.advance(sample.nowMs, sample.rttMs);
    const roundEnds = this.#rounds.ends(sample);
    this.#updateRate(sample);
    if (roundEnds) this.#onRound(sample);
    this.#advanceCycle(sample, roundEnds);
    this.#updateMinimumRtt(sample);
    this.#updateWindow(sample);
  }

  onLost(sample: LostSample): void {
    this.#lost += sample.lostBytes;
    this.#roundLost += sample.lostBytes;
    if (!this.#isAnswered(sample)) this.#epochLost += sample.lostBytes;
    if (this.phase !== 'startup' && this.#seesQueue(this.#lastRtt)) this.#onQueueLoss(sample);
    else if (this.#probeCounts && exceedsLossThreshold(sample.lostSinceSentBytes, sample.inFlightWhenSentBytes)) {
      this.#onTooMuchInFlight(sample);
    }
  }

  onPersistentCongestion(nowMs: number): void {
    this.bounds.reset();
    this.#epochs.reset();
    this.#cycleRate = 0;
    this.#lastCycleRate = 0;
    this.#startupRate = 0;
    this.#latestRate = 0;
    this.#fullAt = Number.POSITIVE_INFINITY;
    this.#search.restart();
    this.#window.restart();
    this.#minimumRtt = Number.POSITIVE_INFINITY;
    this.#recentMinimumRtt = Number.POSITIVE_INFINITY;
    this.#minimumRttAt = nowMs;
    this.#recentMinimumRttAt = nowMs;
    this.#probeCounts = false;
    this.#cycleEnds = false;
    this.phase = 'startup';
  }

  // ---- the rate ----------------------------------------------------------------------------------------------------

  #updateRate(sample: AcknowledgedSample): void {
    if (this.#fullAt === Number.POSITIVE_INFINITY && sample.bytesPerMs > this.#startupRate) {
      this.#startupRate = sample.bytesPerMs;
    }
    const epoch = this.#epochs.update(sample, sample.rttMs);
    if (epoch === undefined) return;
    // What there was to send bounds the rate of such an epoch, so it can only show that the path takes more.
    if (!epoch.appLimited || epoch.bytesPerMs > this.#maximumRate) {
      this.#cycleRate = Math.max(this.#cycleRate, epoch.bytesPerMs);
      if (epoch.beganAt > this.#fullAt) this.#startupRate = 0;
    }
    this.#latestRate = epoch.bytesPerMs;
    if (this.#isSteady) this.#lowerBounds(epoch);
    this.#epochLost = 0;
    this.#epochInFlight = 0;
  }

  #lowerBounds(epoch: RateEpoch): void {
    const lost = this.#epochLost;
    const total = lost + epoch.bytesPerMs * epoch.lastedMs;
    if (!exceedsLossThreshold(lost, total)) return;
    this.bounds.lower({
      rate: this.#maximumRate,
      windowBytes: this.#window.bytes,
      latestRate: epoch.bytesPerMs,
      latestInFlight: this.#epochInFlight,
    });
  }

  #onRound(sample: AcknowledgedSample): void {
    this.#roundsSinceProbe += 1;
    if (this.phase === 'startup') {
      if (!sample.appLimited) this.#search.onRound(this.#startupRate);
      const isLossy = exceedsLossThreshold(this.#roundLost, this.#roundLost + this.#roundDelivered);
      if (isLossy) this.#boundStartup(sample);
      if (isLossy || this.#isFull('startup')) {
        this.#fullAt = sample.nowMs;
        this.phase = 'drain';
      }
    } else if (this.phase === 'up' && !sample.appLimited) this.#search.onRound(this.#latestRate);
    this.#roundLost = 0;
    this.#roundDelivered = 0;
  }

  /** What arrived of a round that lost is what the path takes; in a queue, the loss is answered as any. */
  #boundStartup({ nowMs, rttMs, inFlightWhenSentBytes }: AcknowledgedSample): void {
    const path = this.#bandwidthDelay(1);
    if (!this.#seesQueue(rttMs)) this.bounds.setLongTerm(Math.max(path, this.#epochInFlight));
    else this.bounds.reduce(Math.max(path, inFlightWhenSentBytes), PATH_SHARE_LEAST * path, nowMs);
    this.#lostAtReduction = this.#lost;
  }

  #isFull(phase: 'startup' | 'up'): boolean {
    const queued = this.#seesQueue(this.#lastRtt);
    return this.#search.rounds >= (queued ? FULL_RATE_ROUNDS_QUEUED[phase] : FULL_RATE_ROUNDS);
  }

  // ---- the cycle ---------------------------------------------------------------------------------------------------

  #advanceCycle(sample: AcknowledgedSample, roundEnds: boolean): void {
    if (roundEnds && this.#cycleEnds) this.#endCycle(sample);
    if (this.phase === 'drain') {
      if (sample.bytesInFlight <= this.#bandwidthDelay(1)) this.#enterDown(sample.nowMs, sample);
    } else if (this.phase === 'down' || this.phase === 'cruise') {
      if (this.#isTimeToProbe(sample.nowMs)) this.#enterRefill(sample);
      else if (this.phase === 'down' && this.#hasDrained(sample)) this.phase = 'cruise';
    } else if (this.phase === 'refill') {
      if (roundEnds) this.#enterUp();
    } else if (this.phase === 'up') this.#advanceUp(sample, roundEnds);
    else if (this.phase === 'probe-rtt') this.#advanceProbeRtt(sample, roundEnds);
  }

  #endCycle(sample: AcknowledgedSample): void {
    this.#cycleEnds = false;
    if (sample.appLimited) return;
    this.#lastCycleRate = this.#cycleRate;
    this.#cycleRate = 0;
  }

  #isTimeToProbe(nowMs: number): boolean {
    const packets = Math.min(this.#bandwidthDelay(1), this.windowBytes) / ETHERNET_DATAGRAM_BYTES;
    const rounds = Math.min(packets, RENO_ROUNDS_MAX);
    return nowMs - this.#cycleAt > this.#probeWaitMs || this.#roundsSinceProbe >= rounds;
  }

  #hasDrained({ bytesInFlight }: AcknowledgedSample): boolean {
    return bytesInFlight <= Math.min(this.#bandwidthDelay(1), this.#longTermInFlight);
  }

  #enterDown(nowMs: number, sample?: AcknowledgedSample): void {
    this.phase = 'down';
    this.#waitForProbe(nowMs);
    this.#cycleEnds = true;
    if (sample !== undefined) this.#rounds.restart(sample.delivered, nowMs);
  }

  #waitForProbe(nowMs: number): void {
    this.#cycleAt = nowMs;
    this.#probeWaitMs = PROBE_WAIT_MS + this.#random.below(PROBE_WAIT_RANDOM_MS);
    this.#roundsSinceProbe = this.#random.below(2);
  }

  /** Fills the path without a queue, so that the look for more begins from what is known. */
  #enterRefill(sample: AcknowledgedSample): void {
    this.phase = 'refill';
    this.bounds.forgetShortTerm();
    this.#rounds.restart(sample.delivered, sample.nowMs);
  }

  #enterUp(): void {
    this.phase = 'up';
    this.#probeCounts = true;
    this.#rateBeforeProbe = this.#latestRate;
    this.#search.restart(this.#latestRate);
    this.bounds.beginGrowth(this.windowBytes);
  }

  #advanceUp(sample: AcknowledgedSample, roundEnds: boolean): void {
    const { bounds } = this;
    // Held back by the bound and not by the path: it grows, and whether the path is full is not known yet.
    const inFlight = sample.bytesInFlight + sample.acknowledgedBytes + 2 * ETHERNET_DATAGRAM_BYTES;
    const isBound = this.#window.bytes >= bounds.longTermInFlight && inFlight >= bounds.longTermInFlight;
    if (isBound && !(bounds.isCubic && this.#seesQueue(sample.rttMs))) {
      bounds.grow(sample.acknowledgedBytes);
      if (roundEnds) bounds.growFaster(this.windowBytes);
      this.#search.restart(this.#latestRate);
    } else if (this.#isFull('up')) {
      const growth = this.#latestRate / this.#rateBeforeProbe;
      if (bounds.isCubic && growth > SHARE_PROBE_GROWTH) bounds.scale(Math.min(growth, SHARE_PROBE));
      this.#enterDown(sample.nowMs, sample);
    }
  }

  /** More was in flight than the path takes: what was when it began to lose is the bound, and the look ends. */
  #onTooMuchInFlight(sample: LostSample): void {
    this.#probeCounts = false;
    if (!sample.appLimited) {
      const before = Math.max(0, sample.inFlightWhenSentBytes - sample.lostSinceSentBytes);
      const target = Math.min(this.#bandwidthDelay(1), this.#window.bytes);
      this.bounds.setLongTerm(Math.max(before, LOSS_FACTOR * target));
    }
    if (this.phase === 'up') this.#enterDown(sample.nowMs);
  }

  /** A loss in a queue, of however few, is answered as CUBIC answers it: once for all that was in flight then. */
  #onQueueLoss(sample: LostSample): void {
    if (sample.appLimited || this.#isAnswered(sample)) return;
    this.#lostAtReduction = this.#lost;
    // What went over the bound in a look for more is not what the loss leaves a part of.
    const inFlight = Math.min(sample.inFlightWhenSentBytes, this.bounds.longTermInFlight);
    this.bounds.reduce(inFlight, PATH_SHARE_LEAST * this.#bandwidthDelay(1), sample.nowMs);
    this.#probeCounts = false;
    if (this.phase === 'up') this.#enterDown(sample.nowMs);
  }

  /** Sent before the last loss that was answered. */
  #isAnswered({ lostSinceSentBytes }: LostSample): boolean {
    return this.#lost - lostSinceSentBytes < this.#lostAtReduction;
  }

  #seesQueue(rttMs: number): boolean {
    return rttMs > this.#minimumRtt * QUEUE_FACTOR + QUEUE_MARGIN_MS;
  }

  // ---- minimum RTT -------------------------------------------------------------------------------------------------

  #updateMinimumRtt(sample: AcknowledgedSample): void {
    const { nowMs, rttMs } = sample;
    const expired = nowMs - this.#recentMinimumRttAt > PROBE_RTT_INTERVAL_MS;
    // An idle or application-limited flow builds no queue: what it sees is the path.
    if (isMinimumRtt(rttMs, this.#recentMinimumRtt) || (expired && sample.appLimited)) {
      this.#recentMinimumRtt = expired ? rttMs : Math.min(this.#recentMinimumRtt, rttMs);
      this.#recentMinimumRttAt = nowMs;
    } else if (expired && this.phase !== 'probe-rtt' && this.phase !== 'startup') {
      this.#recentMinimumRtt = rttMs;
      this.#recentMinimumRttAt = nowMs;
      this.phase = 'probe-rtt';
      this.#probeCounts = false;
      this.#probeRttUntil = undefined;
      this.#rounds.restart(sample.delivered, nowMs);
    }
    if (this.#recentMinimumRtt <= this.#minimumRtt || nowMs - this.#minimumRttAt > MINIMUM_RTT_WINDOW_MS) {
      this.#minimumRtt = this.#recentMinimumRtt;
      this.#minimumRttAt = this.#recentMinimumRttAt;
    }
  }

  /** Stays low for a while and a round, from when so little is in flight. */
  #advanceProbeRtt(sample: AcknowledgedSample, roundEnds: boolean): void {
    const { nowMs } = sample;
    if (this.#probeRttUntil === undefined) {
      if (sample.bytesInFlight > this.windowBytes) return;
      this.#probeRttUntil = nowMs + PROBE_RTT_MS;
      this.#rounds.restart(sample.delivered, nowMs);
      this.#probeRttRoundEnded = false;
    } else if (roundEnds) this.#probeRttRoundEnded = true;
    if (!this.#probeRttRoundEnded || nowMs < this.#probeRttUntil) return;
    this.#recentMinimumRttAt = nowMs;
    this.bounds.forgetShortTerm();
    this.#waitForProbe(nowMs);
    this.phase = 'cruise';
  }

  // ---- the window --------------------------------------------------------------------------------------------------

  #bandwidthDelay(gain: number, allowanceMs = SCHEDULING_ALLOWANCE_MS): number {
    const rtt = Number.isFinite(this.#minimumRtt) ? this.#minimumRtt : INITIAL_RTT_MS;
    return gain * this.rateBytesPerMs * (rtt + allowanceMs);
  }

  #updateWindow(sample: AcknowledgedSample): void {
    const gain = this.phase === 'up' ? UP_WINDOW_GAIN : WINDOW_GAIN;
    this.#window.grow(sample.acknowledgedBytes, this.#bandwidthDelay(gain), this.phase === 'startup');
  }
}
