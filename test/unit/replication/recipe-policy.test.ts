// When recipes go instead of literals, and which answers no honest peer gives.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KIB, logPosition, MIB } from '../../../src/base/units.ts';
import { DEFAULT_BOUNDS } from '../../../src/replication/context.ts';
import { logKey } from '../../../src/replication/log-name.ts';
import { PeerView } from '../../../src/replication/peer-view.ts';
import type { PositionRange } from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import { RecipePolicy } from '../../../src/replication/recipe-policy.ts';

const test = suite('recipe policy');
const log = { node: new Uint8Array(32).fill(1), epoch: 1 };
const other = { node: new Uint8Array(32).fill(2), epoch: 1 };
const KEY = logKey(log);
const CHUNKS = 256;

const range = (start: number, end: number): PositionRange => ({ start: logPosition(start), end: logPosition(end) });
const lacking = (...ranges: readonly PositionRange[]): RangeSet => RangeSet.of(ranges);

function policyFor(peer: { readonly recipes?: boolean; readonly seeded?: boolean; readonly held?: PositionRange }) {
  const view = new PeerView();
  view.complete = true;
  view.recipes = peer.recipes ?? true;
  view.seeded = peer.seeded ?? false;
  if (peer.held) view.announce({ log: other, applied: 1n, held: [peer.held], rangesMax: 10 });
  const policy = new RecipePolicy(view, { local: { of: () => ({ held: new RangeSet() }) }, bounds: DEFAULT_BOUNDS });
  policy.compare();
  return policy;
}

const send = (policy: RecipePolicy, sent: PositionRange): void =>
  policy.sentRecipe(KEY, { ...sent, chunks: CHUNKS, frame: new Uint8Array(0) });

test('only a peer with seeds, or one that has gone its own way, is sent recipes', () => {
  const all = lacking(range(0, MIB));
  assert.is(policyFor({ seeded: true }).front(KEY, all)?.recipe, true);
  assert.is(policyFor({ held: range(0, MIB) }).front(KEY, all)?.recipe, true);
  assert.is(policyFor({ held: range(0, MIB - 1) }).front(KEY, all)?.recipe, false);
  assert.is(policyFor({ seeded: true, recipes: false }).front(KEY, all)?.recipe, false, 'an older version');
  assert.is(policyFor({ seeded: true }).front(KEY, new RangeSet()), undefined);
});

test('little goes without asking, wherever it lies', () => {
  const policy = policyFor({ seeded: true });
  assert.is(policy.front(KEY, lacking(range(0, 32 * KIB), range(64 * KIB, 95 * KIB)))?.recipe, false);
  assert.is(policy.front(KEY, lacking(range(0, 32 * KIB), range(64 * KIB, 96 * KIB)))?.recipe, true);
});

test('what was missed goes as a literal, what lies around it as recipes', () => {
  const policy = policyFor({ seeded: true });
  send(policy, range(0, MIB));
  assert.is(policy.answered(KEY, range(0, MIB), [range(100, 200)]), undefined);
  assert.equal(policy.front(KEY, lacking(range(0, 2 * MIB))), { range: range(0, 100), recipe: true });
  assert.equal(policy.front(KEY, lacking(range(100, 2 * MIB))), { range: range(100, 200), recipe: false });
  policy.sentLiteral(KEY, range(100, 200));
  assert.equal(policy.front(KEY, lacking(range(100, 2 * MIB))), { range: range(100, 2 * MIB), recipe: true });
});

test('recipes in vain are followed by longer and longer pauses, until one finds something', () => {
  const policy = policyFor({ seeded: true });
  let start = 0;
  const piece = 64 * KIB;
  const literalBytesUntilNextTry = (): number => {
    let bytes = 0;
    for (; policy.front(KEY, lacking(range(start, start + MIB)))?.recipe === false; bytes += piece, start += piece)
      policy.sentLiteral(KEY, range(start, start + piece));
    return bytes;
  };
  const tryOne = (missed: number): number => {
    const tried = range(start, start + piece);
    start += piece;
    send(policy, tried);
    const behind = policy.front(KEY, lacking(range(start, start + MIB)));
    assert.is(policy.answered(KEY, tried, [range(tried.start, tried.start + missed)]), undefined);
    // What was missed goes first, and counts.
    policy.sentLiteral(KEY, range(tried.start, tried.start + missed));
    assert.is(behind?.recipe, pauses.length === 0, 'others go along with the first alone');
    return missed + literalBytesUntilNextTry();
  };
  const pauses: number[] = [];
  for (let count = 0; count < 11; count++) pauses.push(tryOne(piece));
  assert.equal(
    pauses.map((bytes) => bytes / KIB),
    [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 65536, 65536],
  );
  assert.is(tryOne(100), 100, 'it found something');
  assert.is(policy.front(KEY, lacking(range(start, start + MIB)))?.recipe, true);
});

test('no more are under way than the bound', () => {
  const policy = policyFor({ seeded: true });
  for (let index = 0; index < DEFAULT_BOUNDS.recipesInFlightMax; index++) {
    assert.not(policy.isFull);
    send(policy, range(index * MIB, (index + 1) * MIB));
  }
  assert.ok(policy.isFull);
  policy.answered(KEY, range(0, MIB), []);
  assert.not(policy.isFull);
});

test('answers that no honest peer gives are named', () => {
  const policy = policyFor({ seeded: true });
  send(policy, range(0, MIB));
  assert.match(policy.answered(KEY, range(1, MIB), []) ?? '', /not sent/);
  assert.match(policy.answered(KEY, range(0, 2 * MIB), []) ?? '', /not sent/);
  const crumbs = Array.from({ length: CHUNKS + 1 }, (_, index) => range(index * 10, index * 10 + 1));
  assert.match(policy.answered(KEY, range(0, MIB), crumbs) ?? '', /more is missing/);
  assert.is(policy.answered(KEY, range(0, MIB), []), undefined);
  assert.match(policy.answered(KEY, range(0, MIB), []) ?? '', /not sent/, 'twice');
});

test.run();
