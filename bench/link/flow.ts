// What every way of filling a link is measured by: the bytes that the receiving application got, over time.
import type { EmulatedLink } from './lab.ts';

export interface FlowOptions {
  readonly seconds: number;
  readonly port: number;
  /** Awaited when both ends are there and nothing was sent yet. */
  readonly ready?: () => Promise<void>;
}

/** One stream of incompressible data from end a to end b. */
export interface Flow {
  readonly name: string;
  run(link: EmulatedLink, options: FlowOptions): Promise<FlowResult>;
}

export interface FlowResult {
  /** From the receiver: seconds since the transfer began, and bytes that arrived since the sample before. */
  readonly samples: readonly FlowSample[];
  /** Share of what was sent that was sent again; undefined where the sender does not tell. */
  readonly retransmitted: number | undefined;
}

export interface FlowSample {
  readonly atSeconds: number;
  readonly bytes: number;
}

/** Bits per second that arrived between two moments of a transfer; what a sample says arrived evenly in its time. */
export function goodput({ samples }: FlowResult, fromSeconds: number, toSeconds: number): number {
  return (8 * (bytesUntil(samples, toSeconds) - bytesUntil(samples, fromSeconds))) / (toSeconds - fromSeconds);
}

function bytesUntil(samples: readonly FlowSample[], untilSeconds: number): number {
  let bytes = 0;
  let before = 0;
  for (const sample of samples) {
    if (sample.atSeconds >= untilSeconds) {
      const part = (untilSeconds - before) / Math.max(sample.atSeconds - before, Number.EPSILON);
      return bytes + sample.bytes * Math.max(0, part);
    }
    bytes += sample.bytes;
    before = sample.atSeconds;
  }
  return bytes;
}

/** Seconds of the longest time in which nothing arrived, from one moment of a transfer to its end. */
export function longestGap({ samples }: FlowResult, fromSeconds: number): number {
  let gap = 0;
  let arrivedAt = fromSeconds;
  for (const { atSeconds, bytes } of samples) {
    if (atSeconds < fromSeconds) continue;
    gap = Math.max(gap, atSeconds - arrivedAt);
    if (bytes > 0) arrivedAt = atSeconds;
  }
  return gap;
}
