// What a literal may be a delta to: bytes that it replaced and that the peer has announced as held, never what is on its
// way there (docs/format/wire.md, Literal).
import { logKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName, LogRange, PositionRange, VolumePort } from './ports.ts';
import { RangeSet } from './range-set.ts';

export interface Stretch {
  readonly range: PositionRange;
  readonly bases: readonly LogRange[];
}

/** The front of a range that is alike in having bases at the peer or none. */
export function firstStretch(
  volume: Pick<VolumePort, 'replacedBy'>,
  view: PeerView,
  log: LogName,
  range: PositionRange,
): Stretch {
  const { end, old } = volume.replacedBy(log, range);
  return { range: { start: range.start, end }, bases: old.flatMap((base) => heldThere(view, base)) };
}

function heldThere(view: PeerView, base: LogRange): LogRange[] {
  const held = view.get(logKey(base.log))?.held;
  if (held === undefined) return [];
  return held
    .intersection(RangeSet.of([base.range]))
    .ranges()
    .map((range) => ({ log: base.log, range }));
}
