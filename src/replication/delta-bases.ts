// What a literal may be a delta to: bytes that it replaced and that the peer has announced as held, never what is on its
// way there (docs/format/wire.md, Literal).
import { BASE_RANGES_MAX } from '../base/limits.ts';
import { logKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName, LogRange, PositionRange, VolumePort } from './ports.ts';

export interface Stretch {
  readonly range: PositionRange;
  readonly bases: readonly LogRange[];
}

/**
 * The front of a range that is alike in having bases at the peer or none: what replaced nothing that the peer has, in
 * however many stretches, goes as one.
 */
export function firstStretch(
  volume: Pick<VolumePort, 'replacedBy'>,
  view: PeerView,
  log: LogName,
  range: PositionRange,
): Stretch {
  let end = range.start;
  while (end < range.end) {
    const next = volume.replacedBy(log, { start: end, end: range.end });
    const bases = next.old.flatMap((base) => heldThere(view, base)).slice(0, BASE_RANGES_MAX);
    if (bases.length > 0) {
      const isFirst = end === range.start;
      return { range: { start: range.start, end: isFirst ? next.end : end }, bases: isFirst ? bases : [] };
    }
    if (next.end <= end) break;
    end = next.end;
  }
  return { range: { start: range.start, end }, bases: [] };
}

function heldThere(view: PeerView, base: LogRange): LogRange[] {
  const held = view.get(logKey(base.log))?.held.within(base.range, BASE_RANGES_MAX) ?? [];
  return held.map((range) => ({ log: base.log, range }));
}
