// What a literal may be a delta to: bytes that it replaced and that the peer has announced as held, never what is on its
// way there (docs/format/wire.md, Literal).
import { BASE_RANGES_MAX, DELTA_RAW_BYTES_MAX } from '../base/limits.ts';
import { type LogPosition, logPosition } from '../base/units.ts';
import { logKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName, LogRange, PositionRange, VolumePort } from './ports.ts';

export interface Stretch {
  readonly range: PositionRange;
  readonly bases: readonly LogRange[];
}

/** Looked at for one literal; each is a call of the addon. */
const STRETCHES_MAX = 64;

/**
 * The front of a range that is alike in having bases at the peer or none: what replaced nothing that the peer has, in
 * several stretches, goes as one.
 */
export function firstStretch(
  volume: Pick<VolumePort, 'replacedBy'>,
  view: PeerView,
  log: LogName,
  range: PositionRange,
): Stretch {
  const { start } = range;
  let end = start;
  for (let stretches = 0; end < range.end && stretches < STRETCHES_MAX; stretches++) {
    const next = volume.replacedBy(log, { start: end, end: range.end });
    const bases = next.old.flatMap((base) => heldThere(view, base)).slice(0, BASE_RANGES_MAX);
    if (bases.length > 0 && end === start) return { range: { start, end: next.end }, bases };
    if (bases.length > 0) break;
    end = next.old.length === 0 ? next.end : afterPiece(end, next.end);
  }
  return { range: { start, end }, bases: [] };
}

/** The bases of a stretch are told of no more than a delta takes; what is behind that may have others. */
const afterPiece = (from: LogPosition, end: LogPosition): LogPosition =>
  logPosition(Math.min(end, from + DELTA_RAW_BYTES_MAX));

function heldThere(view: PeerView, base: LogRange): LogRange[] {
  const held = view.get(logKey(base.log))?.held.within(base.range, BASE_RANGES_MAX) ?? [];
  return held.map((range) => ({ log: base.log, range }));
}
