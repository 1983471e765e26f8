// Which removals count for which name that unlinks took away: those of the same name that came after it, also where one
// seal takes several, or an inode comes and goes by one name again and again.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hybridTime, inodeNumber, logNumber, nanoseconds } from '../../../src/base/units.ts';
import { buryAll } from '../../../src/namespace/dead-links.ts';
import { type InodeState, type NameLink, newState, type Stamp } from '../../../src/namespace/state.ts';

const test = suite('dead links');

const stamp = (sequence: bigint): Stamp => ({ clock: hybridTime(sequence), log: logNumber(1), sequence });
const named = (name: string, made: bigint, parent = 1n): NameLink => ({
  parent: inodeNumber(parent),
  name: Buffer.from(name),
  stamp: stamp(made),
});

function stateWithoutNames(): InodeState {
  const time = nanoseconds(0n);
  const times = { accessed: time, modified: time, changed: time, contentVersion: hybridTime(0n) };
  const owner = { mode: 0o100644, uid: 0, gid: 0, links: 0, device: 0 };
  return newState({ inode: inodeNumber(7n), ...owner, size: 0n, allocatedBytes: 0n, ...times, target: undefined });
}

/** Of each dead link, by the sequence that made it: the sequences that removed it. */
const removalsOf = ({ deadLinks }: InodeState): Record<string, bigint[]> =>
  Object.fromEntries(
    deadLinks.map(({ link, removals }) => [String(link.stamp?.sequence), removals.map(({ sequence }) => sequence)]),
  );

test('one name that one unlink took has that removal', () => {
  const state = stateWithoutNames();
  buryAll(state, [named('a', 1n)], [stamp(2n)]);
  assert.equal(removalsOf(state), { 1: [2n] });
});

test('a later unlink of the same name counts for the earlier one too, of another name or directory it does not', () => {
  const state = stateWithoutNames();
  buryAll(state, [named('a', 1n)], [stamp(2n)]);
  buryAll(state, [named('a', 3n)], [stamp(4n)]);
  buryAll(state, [named('b', 5n), named('a', 6n, 9n)], [stamp(7n), stamp(8n)]);
  assert.equal(removalsOf(state), { 1: [2n, 4n], 3: [4n], 5: [7n], 6: [8n] });
});

test('of several tags of one name in one seal each counts for those before it', () => {
  const state = stateWithoutNames();
  buryAll(state, [named('a', 1n)], [stamp(4n)]);
  buryAll(state, [named('a', 2n), named('a', 3n)], [stamp(5n), stamp(6n)]);
  assert.equal(removalsOf(state), { 1: [4n, 5n, 6n], 2: [5n, 6n], 3: [6n] });
});

test('nothing taken changes nothing', () => {
  const state = stateWithoutNames();
  buryAll(state, [named('a', 1n)], [stamp(2n)]);
  buryAll(state, [], []);
  assert.equal(removalsOf(state), { 1: [2n] });
});

test.run();
