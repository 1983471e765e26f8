// Which bound on a rate applies at which time of day. Pure: the time of day is an argument.
import { assert } from './assert.ts';

export const MINUTES_PER_DAY = 24 * 60;

export interface RateEntry {
  /** Undefined: no bound. */
  readonly bytesPerSecond: number | undefined;
  /** Minutes since midnight, the end excluded; an end before its beginning is that of the next day. Undefined: always. */
  readonly hours: { readonly from: number; readonly to: number } | undefined;
}

/** The first entry of this time of day, or else the one without a time, or else no bound. In bytes a second. */
export function rateAt(schedule: readonly RateEntry[], minuteOfDay: number): number | undefined {
  assert(minuteOfDay >= 0 && minuteOfDay < MINUTES_PER_DAY, 'a day has so many minutes');
  const applies = schedule.find(({ hours }) => hours !== undefined && contains(hours, minuteOfDay));
  return (applies ?? schedule.find(({ hours }) => hours === undefined))?.bytesPerSecond;
}

function contains({ from, to }: { readonly from: number; readonly to: number }, minute: number): boolean {
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
