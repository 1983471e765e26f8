// Puts a namespace right in memory, from what is still there; the commit that follows writes it. What is derived is derived
// anew and a lost record is restored from operations: that changes nothing that a peer has, so no operation is made
// (docs/design/0045). Every step looks at the state as it is now: since the check it may have changed.
import { hybridTime, type InodeNumber, inodeNumber, nanoseconds, ROOT_INODE } from '../../base/units.ts';
import { allocatedBytes, normalise } from '../../extent/list.ts';
import { localExtents } from '../apply.ts';
import { readExtents, replaceContent } from '../content.ts';
import { deleteName, insertName } from '../directory.ts';
import { KIND, type Kind } from '../keys.ts';
import { linkCount } from '../records.ts';
import {
  type InodeState,
  isDirectory,
  isFile,
  type NameLink,
  nameBytes,
  nameKey,
  newState,
  REGISTERS,
} from '../state.ts';
import type { Tree } from '../tree.ts';
import { sameName } from '../tree.ts';
import { type ToldInode, toldByOperations } from './restore.ts';
import type { RecordSource } from './source.ts';

export interface ListedName {
  readonly parent: bigint;
  /** latin1 of its bytes. */
  readonly name: string;
}

export interface NamespaceRepair {
  readonly source: RecordSource;
  /** Inodes without a record, and the names that directories list for them. */
  readonly missing: ReadonlyMap<bigint, readonly ListedName[]>;
  /** Inodes whose names, counts and notes are derived anew. */
  readonly inodes: ReadonlySet<bigint>;
  /** Of these, files whose extents are restored from the operation that wrote them, and the records they were in. */
  readonly contents: ReadonlyMap<bigint, readonly Buffer[]>;
  /** Of these, and of the missing ones, those whose extended attributes are restored from operations. */
  readonly extended: ReadonlySet<bigint>;
  /** Pages of names that there are for an inode, where that is in doubt. */
  readonly namePages: ReadonlyMap<bigint, number>;
  /** Records that belong to nothing. */
  readonly strayKeys: readonly Buffer[];
  /** They are not stray but cannot be read: removed whether or not their inode is there. */
  readonly unreadable: boolean;
  /** By how much the count of inodes is too low. */
  readonly uncounted: bigint;
}

export interface RepairOutcome {
  /** What was done, in words. */
  readonly done: readonly string[];
  /** Inodes that nothing names and nobody has open: to be put where somebody finds them. */
  readonly nameless: readonly InodeNumber[];
}

const MODE_UNKNOWN_DIRECTORY = 0o040700;

export async function repairTree(tree: Tree, request: NamespaceRepair): Promise<RepairOutcome> {
  const wanted = new Set([...request.missing.keys(), ...request.contents.keys(), ...request.extended]);
  const told = await toldByOperations(request.source, tree.logs, wanted);
  return new Repair(tree, request, told).run();
}

class Repair {
  readonly #tree: Tree;
  readonly #request: NamespaceRepair;
  readonly #told: ReadonlyMap<bigint, ToldInode>;
  readonly #done: string[] = [];
  readonly #read = (key: Buffer): Uint8Array | undefined => this.#tree.store.read(key);

  constructor(tree: Tree, request: NamespaceRepair, told: ReadonlyMap<bigint, ToldInode>) {
    this.#tree = tree;
    this.#request = request;
    this.#told = told;
  }

  run(): RepairOutcome {
    const { missing, inodes, contents, strayKeys, uncounted } = this.#request;
    this.#tree.inodeCount += uncounted;
    for (const [inode, names] of missing) this.#restore(inodeNumber(inode), names);
    const states = [...inodes, ...missing.keys()].flatMap((inode) => this.#state(inode) ?? []);
    for (const state of states) {
      if (contents.has(state.inode)) this.#restoreContent(state);
      if (this.#request.extended.has(state.inode)) this.#restoreExtended(state);
      this.#countPages(state);
    }
    for (const state of states) if (isDirectory(state)) this.#deriveNames(state);
    for (const state of states) this.#deriveLinks(state);
    for (const state of states) this.#deriveFacts(state);
    for (const key of strayKeys) this.#drop(key);
    const nameless = states.filter((state) => this.#isNameless(state));
    return { done: this.#done, nameless: nameless.map(({ inode }) => inode) };
  }

  /** Neither named, nor open, nor gone. */
  #isNameless(state: InodeState): boolean {
    if (state.inode === ROOT_INODE || state.links.length > 0) return false;
    return !state.reaped && !this.#tree.orphans.has(state.inode);
  }

  /** Undefined where there is none, or its record does not decode and was not restored. */
  #state(inode: bigint): InodeState | undefined {
    try {
      return this.#tree.store.get(inodeNumber(inode));
    } catch {
      return undefined; // a finding of its own, which stays
    }
  }

  // ---- inodes without a record

  #restore(inode: InodeNumber, names: readonly ListedName[]): void {
    if (this.#state(inode) !== undefined) return;
    const told = this.#told.get(inode);
    const namePages = this.#request.namePages.get(inode) ?? 0;
    if (told === undefined && namePages === 0) return; // its names go: deriveNames
    const state = newState({
      inode,
      mode: told?.mode ?? MODE_UNKNOWN_DIRECTORY,
      uid: told?.uid ?? 0,
      gid: told?.gid ?? 0,
      links: 0,
      device: told?.device ?? 0,
      size: BigInt(told?.target?.length ?? 0),
      allocatedBytes: 0n,
      accessed: nanoseconds(told?.modified ?? 0n),
      modified: nanoseconds(told?.modified ?? 0n),
      changed: nanoseconds(told?.modified ?? 0n),
      target: told?.target,
      contentVersion: hybridTime(0n),
    });
    this.#setRegisters(state, told);
    state.namePages = namePages;
    state.extended = undefined; // read again: the record may be there
    this.#tree.store.add(state);
    this.#giveNames(state, names, told);
    this.#restoreContent(state);
    this.#restoreExtended(state);
    if (!state.reaped) this.#tree.inodeCount += 1n;
    this.#done.push(
      `inode ${inode}: its record was restored from ${told ? 'the operations that made it' : 'its names'}`,
    );
  }

  #setRegisters(state: InodeState, told: ToldInode | undefined): void {
    state.replicated = true;
    const oldest = { clock: 0n, log: 0 as never, sequence: 0n };
    for (const register of REGISTERS) state.stamps[register] = told?.registers.get(register) ?? oldest;
    state.edits = [...(told?.edits.values() ?? [])].map(({ log, sequence }) => ({ log, sequence }));
  }

  #giveNames(state: InodeState, names: readonly ListedName[], told: ToldInode | undefined): void {
    const links = names.map(({ parent, name }): NameLink => {
      const stamp = told?.names.get(`${parent}/${name}`) ?? state.stamps.mode;
      return { parent: inodeNumber(parent), name: nameBytes(name), stamp };
    });
    state.links = isDirectory(state) ? links.slice(0, 1) : links;
    if (isDirectory(state)) state.position = state.links[0];
    // Nobody names it here: as an inode that was removed, unless it has names of its own to show.
    state.reaped = links.length === 0 && state.namePages === 0;
  }

  // ---- what is derived

  #restoreContent(state: InodeState): void {
    const told = this.#told.get(state.inode)?.content;
    if (told === undefined || !isFile(state)) return;
    const { size } = told.content;
    const extents = normalise(localExtents(told.content, told.logs), size);
    state.content = { pages: [], nextPage: 0, dirtyPages: new Set(), removedPages: new Set(), indexDirty: true };
    state.hasPages = false;
    // The commit removes the old pages before it writes the new ones.
    for (const key of this.#request.contents.get(state.inode) ?? []) this.#tree.store.change({ type: 'del', key });
    const stored = replaceContent(state, extents, this.#read);
    this.#tree.update(state, { size, allocatedBytes: stored });
    this.#done.push(`inode ${state.inode}: its content was restored from the operation that wrote it`);
  }

  #restoreExtended(state: InodeState): void {
    const values = this.#tree.store.extendedForChange(state);
    for (const [key, value] of this.#told.get(state.inode)?.extended ?? []) {
      const known = values.get(key);
      if (known === undefined || this.#tree.logs.compare(value.stamp, known.stamp) > 0) values.set(key, value);
    }
    state.hasExtended = values.size > 0;
    state.extendedDirty = true;
    this.#tree.store.touch(state);
    if (values.size > 0) this.#done.push(`inode ${state.inode}: its extended attributes were written anew`);
  }

  /** Pages beyond the number that the record has are names of the directory all the same. */
  #countPages(state: InodeState): void {
    const pages = this.#request.namePages.get(state.inode) ?? 0;
    if (!isDirectory(state) || pages <= state.namePages) return;
    state.namePages = pages;
    state.directory = undefined;
  }

  /** Keeps the names whose inodes have them, with their types, in pages written anew. */
  #deriveNames(state: InodeState): void {
    const directory = this.#tree.directory(state);
    for (const { name, inode, mode } of directory.names.listing()) {
      const key = nameKey(name);
      const child = this.#state(inode);
      if (child === undefined || !child.links.some((link) => sameName(link, state.inode, name))) {
        deleteName(directory, name, { inode });
        this.#done.push(`inode ${state.inode}: its name ${shownName(key)} for inode ${inode} was taken away`);
      } else if (mode !== (child.record.mode & 0o170000)) {
        deleteName(directory, name, { inode });
        insertName(state, directory, name, { inode, type: child.record.mode & 0o170000 });
      }
    }
    for (let page = 0; page < directory.names.pageCount; page++) directory.dirtyPages.add(page);
    this.#tree.store.touch(state);
  }

  /** Names of an inode are in their directories; those in none are taken away. */
  #deriveLinks(state: InodeState): void {
    const kept = state.links.filter((link) => {
      const parent = this.#state(link.parent);
      if (parent === undefined || !isDirectory(parent) || this.#leadsToItself(state, link.parent)) return false;
      this.#list(parent, link.name, state);
      return true;
    });
    if (kept.length === state.links.length) return;
    for (const link of state.links.filter((one) => !kept.includes(one))) {
      this.#done.push(
        `inode ${state.inode}: its name ${shownName(nameKey(link.name))} in inode ${link.parent} was taken away`,
      );
    }
    state.links = kept;
    this.#tree.store.touch(state);
  }

  #list(parent: InodeState, name: Uint8Array, state: InodeState): void {
    const directory = this.#tree.directory(parent);
    if (directory.names.all(name).some(({ inode }) => inode === state.inode)) return;
    insertName(parent, directory, name, { inode: state.inode, type: state.record.mode & 0o170000 });
    this.#tree.store.touch(parent);
    this.#done.push(
      `inode ${parent.inode}: the name ${shownName(nameKey(name))} was put back for inode ${state.inode}`,
    );
  }

  #leadsToItself(state: InodeState, parent: InodeNumber): boolean {
    if (!isDirectory(state)) return false;
    const seen = new Set<bigint>();
    for (let at: InodeNumber | undefined = parent; at !== undefined && !seen.has(at); ) {
      if (at === state.inode) return true;
      seen.add(at);
      at = this.#state(at)?.position?.parent;
    }
    return false;
  }

  #deriveFacts(state: InodeState): void {
    const links = new Set(state.links.map((link) => `${link.parent}/${nameKey(link.name)}`)).size;
    if (isDirectory(state)) {
      const { names } = this.#tree.directory(state);
      state.subdirectories = [...names.listing()].filter(({ mode }) => mode === 0o040000).length;
      state.namePages = names.pageCount;
    }
    const isRoot = state.inode === ROOT_INODE;
    const counted = { isDirectory: isDirectory(state), isRoot, links, subdirectories: state.subdirectories };
    const size = state.record.size;
    const extents = isFile(state) ? readExtents(state, { offset: 0n, length: size }, this.#read) : [];
    this.#tree.update(state, { links: linkCount(counted), allocatedBytes: allocatedBytes(extents) });
    if (links > 0 || state.reaped) this.#forgetOrphan(state.inode);
    if (links > 0 && state.reaped) {
      state.reaped = false;
      this.#tree.inodeCount += 1n;
    }
  }

  #forgetOrphan(inode: InodeNumber): void {
    if (this.#tree.orphans.delete(inode)) this.#tree.store.changeOrphan(inode, false);
  }

  /** A record that belongs to nothing; if its inode was restored meanwhile, it belongs there. */
  #drop(key: Buffer): void {
    const kind = key[0] as Kind;
    const inode = inodeNumber(key.readBigUInt64BE(1));
    const isPage = kind === KIND.extentPage || kind === KIND.extentIndex || kind === KIND.extended;
    if (kind === KIND.orphan) this.#tree.orphans.delete(inode);
    const { unreadable } = this.#request;
    if (isPage && !unreadable && this.#state(inode) !== undefined) return;
    this.#tree.store.change({ type: 'del', key });
    const why = unreadable ? 'cannot be read' : 'belongs to nothing';
    this.#done.push(`record ${key.toString('hex')}, which ${why}, was removed`);
  }
}

const shownName = (key: string): string => JSON.stringify(Buffer.from(key, 'latin1').toString('utf8'));
