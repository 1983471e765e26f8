// Names that unlinks took away, kept so that an edit of the inode's content that had not seen the unlink brings them back,
// whichever of the two comes first. An unlink that has not seen an edit is void; an edit cancels the unlinks that it has
// not seen; a move of a name is no unlink. Origin and peers do the same, or they would not end equal.
import { assert } from '../base/assert.ts';
import { type DeadLink, type InodeState, type LogCount, type NameLink, nameKey, type Stamp } from './state.ts';
import { sameName } from './tree.ts';

type Sees = (link: NameLink) => boolean;
const seesAll: Sees = () => true;

/** Notes an unlink that a peer made: on the tags that it took, and on those of the same name that an earlier unlink took and it saw. */
export function bury(options: {
  readonly state: InodeState;
  readonly name: Pick<NameLink, 'parent' | 'name'>;
  readonly taken: readonly NameLink[];
  readonly stamp: Stamp;
  readonly sees: Sees;
}): void {
  const { state, name, taken, stamp, sees } = options;
  const removal = removalOf(stamp);
  for (const { link, removals } of state.deadLinks) {
    if (sameName(link, name.parent, name.name) && sees(link)) removals.push(removal);
  }
  for (const link of taken) state.deadLinks.push({ link, removals: [removal] });
}

/** Notes the unlinks of a seal, which have seen all that is here; `stamps` in the order of `taken`. */
export function buryAll(state: InodeState, taken: readonly NameLink[], stamps: readonly Stamp[]): void {
  if (taken.length === 0) return;
  const dead = taken.map((link, index): DeadLink => {
    const stamp = stamps[index];
    assert(stamp !== undefined, 'every unlink of a seal has its stamp');
    return { link, removals: [removalOf(stamp)] };
  });
  const all = [...state.deadLinks, ...dead];
  if (all.length > 1) addRemovals(all, dead);
  state.deadLinks = all;
}

/** Each of `later`, the end of `all`, is an unlink of the same name to all before it. */
function addRemovals(all: readonly DeadLink[], later: readonly DeadLink[]): void {
  const earlier = new Map<string, DeadLink[]>();
  const firstLater = all.length - later.length;
  all.forEach((dead, index) => {
    const place = placeOf(dead.link);
    const others = earlier.get(place) ?? [];
    if (index >= firstLater) for (const { removals } of others) removals.push(...dead.removals);
    others.push(dead);
    earlier.set(place, others);
  });
}

const removalOf = ({ log, sequence }: Stamp): LogCount => ({ log, sequence });

const placeOf = ({ parent, name }: NameLink): string => `${parent}/${nameKey(name)}`;

/** A move also takes what an unlink took: an edit must not bring the old name back. */
export function forgetDead(state: InodeState, old: Pick<NameLink, 'parent' | 'name'>, sees: Sees = seesAll): void {
  state.deadLinks = state.deadLinks.filter(({ link }) => !sameName(link, old.parent, old.name) || !sees(link));
}

/** Remembers the last content update of a log, for unlinks that have not seen it. */
export function noteEdit(state: InodeState, stamp: Stamp): void {
  const others = state.edits.filter(({ log }) => log !== stamp.log);
  state.edits = [...others, { log: stamp.log, sequence: stamp.sequence }];
}
