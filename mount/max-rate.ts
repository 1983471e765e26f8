// `--max-rate` as people type it: how much a node may send, and at which time of day.
import { PacketFsError } from '../src/base/errors.ts';
import { MINUTES_PER_DAY, type RateEntry } from '../src/base/rate-schedule.ts';
import { KIB, MIB } from '../src/base/units.ts';
import { bytesOfUnit } from './byte-sizes.ts';

/** Written so, most mean bits. */
const BITS = /[KMG]b(?:\/s)?$|bit|bps$/;
/** Less would not carry acknowledgements. */
const BYTES_PER_SECOND_MIN = 16 * KIB;
const BYTES_PER_SECOND_MAX = 1000 * KIB * MIB;

/** `20M`, `off`, `8M 08:00-18:00`, `8M@22:00-06:00`. Throws PFS_USAGE. */
export function parseMaxRate(text: string): RateEntry {
  const match = /^\s*(?<rate>[^\s@]+)(?:(?:\s+|@)(?<from>[^\s-]+)-(?<to>[^\s-]+))?\s*$/.exec(text);
  const { rate, from, to } = match?.groups ?? {};
  if (rate === undefined) throw invalid(text);
  const bytesPerSecond = parseRate(rate, text);
  if (from === undefined || to === undefined) return { bytesPerSecond, hours: undefined };
  const hours = { from: parseMinute(from, text), to: parseMinute(to, text) };
  if (hours.from % MINUTES_PER_DAY === hours.to % MINUTES_PER_DAY && hours.to - hours.from !== MINUTES_PER_DAY) {
    throw new PacketFsError(
      'PFS_USAGE',
      `"${text}" begins and ends at one time: leave the time out for the whole day.`,
    );
  }
  return { bytesPerSecond, hours };
}

/** Throws PFS_USAGE where two entries are for any time. */
export function checkMaxRates(schedule: readonly RateEntry[]): readonly RateEntry[] {
  if (schedule.filter(({ hours }) => hours === undefined).length > 1) {
    const message = 'The maximum rate is given twice without a time of day: only one can be the default.';
    throw new PacketFsError('PFS_USAGE', message);
  }
  return schedule;
}

function parseRate(rate: string, text: string): number | undefined {
  const lowerCase = rate.toLowerCase();
  if (lowerCase === 'off' || lowerCase === '0') return undefined;
  if (BITS.test(rate)) throw inBits(text);
  const match = /^(?<number>\d+(?:\.\d+)?)(?<unit>[a-z]*?)(?:\/s)?$/.exec(lowerCase);
  const unit = bytesOfUnit(match?.groups?.['unit'] ?? '');
  if (match === null || unit === undefined) throw invalid(text);
  const bytesPerSecond = Number(match.groups?.['number']) * unit;
  if (bytesPerSecond < BYTES_PER_SECOND_MIN || bytesPerSecond > BYTES_PER_SECOND_MAX) {
    const message = `"${text}" is out of bounds: a maximum rate is 16K to 1000G bytes a second, or off.`;
    throw new PacketFsError('PFS_USAGE', message);
  }
  return bytesPerSecond;
}

function parseMinute(time: string, text: string): number {
  const match = /^(?<hours>\d{1,2}):(?<minutes>\d{2})$/.exec(time);
  const [hours, minutes] = [Number(match?.groups?.['hours']), Number(match?.groups?.['minutes'])];
  const minute = 60 * hours + minutes;
  if (match === null || minutes > 59 || minute > MINUTES_PER_DAY) throw invalid(text);
  return minute;
}

const inBits = (text: string): PacketFsError =>
  new PacketFsError(
    'PFS_USAGE',
    `"${text}" reads as bits: a maximum rate is in bytes a second, an eighth of that. Write 20MB for 20 million bytes.`,
  );

const invalid = (text: string): PacketFsError =>
  new PacketFsError(
    'PFS_USAGE',
    `"${text}" is not a maximum rate: write bytes a second as 500K, 20M or 1.5G (or KB, MB, GB for powers of 1000; off for no limit), and a time of day after it if it is not for the whole day: "8M 08:00-18:00".`,
  );
