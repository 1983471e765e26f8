// What a literal is made a delta to: of what it replaced, only what the peer has announced.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logPosition } from '../../../src/base/units.ts';
import { firstStretch } from '../../../src/replication/delta-bases.ts';
import { PeerView } from '../../../src/replication/peer-view.ts';
import type { LogName, PositionRange, ReplacedStretch } from '../../../src/replication/ports.ts';

const own: LogName = { node: new Uint8Array(32).fill(1), epoch: 1 };
const other: LogName = { node: new Uint8Array(32).fill(2), epoch: 3 };
const range = (start: number, end: number): PositionRange => ({ start: logPosition(start), end: logPosition(end) });

function viewOf(held: readonly { readonly log: LogName; readonly ranges: readonly PositionRange[] }[]): PeerView {
  const view = new PeerView();
  for (const { log, ranges } of held) view.announce({ log, applied: 0n, held: ranges, rangesMax: 100 });
  return view;
}

const replacing = (stretch: ReplacedStretch) => ({ replacedBy: () => stretch });

const test = suite('bases of deltas');

test('the stretch ends where the volume says, with the parts of each base that the peer announced', () => {
  const volume = replacing({
    end: logPosition(600),
    old: [
      { log: own, range: range(0, 100) },
      { log: other, range: range(0, 100) },
    ],
  });
  const view = viewOf([
    { log: own, ranges: [range(0, 30), range(50, 500)] },
    { log: other, ranges: [range(90, 95)] },
  ]);
  assert.equal(firstStretch(volume, view, own, range(500, 900)), {
    range: range(500, 600),
    bases: [
      { log: own, range: range(0, 30) },
      { log: own, range: range(50, 100) },
      { log: other, range: range(90, 95) },
    ],
  });
});

test('what the peer has announced nothing of is no base', () => {
  const volume = replacing({ end: logPosition(900), old: [{ log: other, range: range(0, 100) }] });
  assert.equal(firstStretch(volume, viewOf([]), own, range(500, 900)).bases, []);
  const view = viewOf([{ log: other, ranges: [range(100, 200)] }]);
  assert.equal(firstStretch(volume, view, own, range(500, 900)).bases, []);
});

test('stretches without a base at the peer go as one, up to the first that has one', () => {
  const ends = [600, 640, 700];
  const volume = {
    replacedBy: (_log: LogName, { start }: PositionRange): ReplacedStretch => {
      const end = ends.find((one) => one > start) ?? 900;
      return { end: logPosition(end), old: [{ log: other, range: end === 700 ? range(0, 100) : range(200, 300) }] };
    },
  };
  const view = viewOf([{ log: other, ranges: [range(0, 100)] }]);
  assert.equal(firstStretch(volume, view, own, range(500, 900)), { range: range(500, 640), bases: [] });
  assert.equal(firstStretch(volume, view, own, range(640, 900)).range, range(640, 700));
  assert.equal(firstStretch(volume, view, own, range(700, 900)), { range: range(700, 900), bases: [] });
});

test('behind a piece whose bases the peer lacks another may have some', () => {
  const piece = 256 * 1024;
  const volume = {
    replacedBy: (_log: LogName, { start, end }: PositionRange): ReplacedStretch => ({
      end,
      old: [{ log: other, range: start === 0 ? range(500, 600) : range(0, 100) }],
    }),
  };
  const view = viewOf([{ log: other, ranges: [range(0, 100)] }]);
  const whole = range(0, 10 * piece);
  assert.equal(firstStretch(volume, view, own, whole), { range: range(0, piece), bases: [] });
  assert.equal(firstStretch(volume, view, own, range(piece, 10 * piece)).bases, [{ log: other, range: range(0, 100) }]);
});

test('of thousands of stretches no more are looked at than a turn of the loop bears', () => {
  let calls = 0;
  const volume = {
    replacedBy: (_log: LogName, { start }: PositionRange): ReplacedStretch => {
      calls += 1;
      return { end: logPosition(start + 1), old: [] };
    },
  };
  const { end } = firstStretch(volume, viewOf([]), own, range(0, 100_000)).range;
  assert.is(end, calls);
  assert.ok(calls <= 64, `${calls} calls`);
});

test.run();
