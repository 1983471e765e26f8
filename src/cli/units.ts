// Numbers as people read them.
import { KIB } from '../base/units.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
/** `1.50 MiB`: three significant digits. */
export function formatBytes(bytes: number | bigint | string): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(fractionDigits(value))} ${UNITS[unit]}`;
}

function fractionDigits(value: number): number {
  if (value >= 100) return 0;
  return value >= 10 ? 1 : 2;
}
