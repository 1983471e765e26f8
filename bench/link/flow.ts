// What every way of filling a link is measured by: the bytes that the receiving application got, over time.
import type { EmulatedLink } from './lab.ts';

/** One stream of incompressible data from end a to end b. */
export interface Flow {
  readonly name: string;
  run(link: EmulatedLink, options: { seconds: number; port: number }): Promise<FlowResult>;
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

/** Bits per second that arrived between two moments of a transfer, or rather the samples nearest after them. */
export function goodput({ samples }: FlowResult, fromSeconds: number, toSeconds: number): number {
  const first = samples.find(({ atSeconds }) => atSeconds >= fromSeconds);
  const within = samples.filter(({ atSeconds }) => atSeconds > (first?.atSeconds ?? 0) && atSeconds <= toSeconds);
  const last = within.at(-1);
  if (first === undefined || last === undefined) return 0;
  return (8 * within.reduce((sum, { bytes }) => sum + bytes, 0)) / (last.atSeconds - first.atSeconds);
}

/** Seconds of the longest time in which nothing arrived, from one moment of a transfer on. */
export function longestGap({ samples }: FlowResult, fromSeconds: number): number {
  let gap = 0;
  for (const [index, { atSeconds }] of samples.entries()) {
    const before = samples[index - 1]?.atSeconds ?? atSeconds;
    if (before >= fromSeconds) gap = Math.max(gap, atSeconds - before);
  }
  return gap;
}
