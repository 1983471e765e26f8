// Sizes in bytes as people type them.
import { PacketFsError } from '../src/base/errors.ts';
import { KIB, MIB } from '../src/base/units.ts';

const KILO = 1000;
/** As curl and rsync have them: letters alone are powers of 1024, with a B of 1000. In lower case too. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', KIB],
  ['kib', KIB],
  ['kb', KILO],
  ['m', MIB],
  ['mib', MIB],
  ['mb', KILO ** 2],
  ['g', KIB * MIB],
  ['gib', KIB * MIB],
  ['gb', KILO ** 3],
]);
const INDEX_BYTES_MIN = MIB;
/** Beyond, hashes that are left out would be those of some lines (docs/design/0087). */
const INDEX_BYTES_MAX = 16 * KIB * MIB;

/** Bytes in a unit; undefined for none that is known. */
export const bytesOfUnit = (unit: string): number | undefined => UNITS.get(unit.toLowerCase());

/** `64M`, `1.5G`. Throws PFS_USAGE. */
export function parseIndexBytes(text: string): number {
  const match = /^(?<number>\d+(?:\.\d+)?)(?<unit>[a-z]*)$/i.exec(text.trim());
  const unit = bytesOfUnit(match?.groups?.['unit'] ?? '');
  const bytes = Math.round(Number(match?.groups?.['number']) * (unit ?? Number.NaN));
  if (bytes >= INDEX_BYTES_MIN && bytes <= INDEX_BYTES_MAX) return bytes;
  throw new PacketFsError('PFS_USAGE', `"${text}" is no memory for the chunk index: write 64M or 2G, from 1M to 16G.`);
}
