// Names and inodes: every name in a directory's pages is of an inode that has this name, and every name of an inode is
// in its directory. Both sides are added up per inode (inode-table.ts); only where the sums differ are names compared.
import { NAME_BYTES_MAX } from '../../base/limits.ts';
import { NAMES_PER_PAGE } from '../directory.ts';
import { KIND, numberKey } from '../keys.ts';
import { decodeInode, decodeNamePage, type PagedName } from '../records.ts';
import { nameKey } from '../state.ts';
import { type CheckContext, inodeText } from './context.ts';
import { type DirectoryFacts, FLAG, hashOfName, type InodeTable } from './inode-table.ts';
import type { RawRecord } from './source.ts';

const TYPE_SHIFT = 12;
const DIRECTORY_TYPE = 4;
/** Inodes whose names are compared one by one; beyond, the damage is not a matter of single names. */
const SUSPECTS_MAX = 10_000;

export interface NamesSeen {
  readonly names: number;
}

export async function checkNames(context: CheckContext, table: InodeTable): Promise<NamesSeen> {
  const walk = new NameWalk(context, table);
  await context.each(KIND.namePage, (record) => walk.take(record));
  walk.checkDirectories();
  await new NameComparison(context, table).run();
  return { names: walk.names };
}

class NameWalk {
  readonly #context: CheckContext;
  readonly #table: InodeTable;
  names = 0;

  constructor(context: CheckContext, table: InodeTable) {
    this.#context = context;
    this.#table = table;
  }

  take([key, value]: RawRecord): void {
    const inode = key.readBigUInt64BE(1);
    const page = key.readUInt32BE(9);
    const names = decodeNamePage(value);
    const directory = this.#table.directories.get(this.#table.find(inode));
    const problem = problemOfPage(directory, page, names);
    if (problem !== undefined) this.#context.report({ code: 'name-page', inode, key, detail: problem });
    // Names in what is no directory are no names; those of a page too many are, as far as anyone can tell.
    if (directory !== undefined) for (const name of names) this.#takeName(directory, name);
  }

  #takeName(directory: DirectoryFacts, { name: bytes, inode: child, type }: PagedName): void {
    const name = nameKey(bytes);
    this.names += 1;
    const report = (code: 'name-page' | 'name-inode' | 'name-type', detail: string): void =>
      this.#context.report({ code, inode: directory.inode, name, other: child, detail });
    if (!isName(name)) report('name-page', 'a directory has a name that is not valid');
    const position = this.#table.find(child);
    if (position < 0) {
      report('name-inode', `it names ${inodeText(child)}, which does not exist`);
      return;
    }
    const actual = this.#table.type(position);
    if (type >> TYPE_SHIFT !== actual)
      report('name-type', `its type is kept as ${type >> TYPE_SHIFT}, it is ${actual}`);
    if (actual === DIRECTORY_TYPE) directory.countedSubdirectories += 1;
    this.#table.addName(position, 'page', hashOfName(directory.inode, name));
  }

  checkDirectories(): void {
    for (const { inode, subdirectories, countedSubdirectories } of this.#table.directories.values()) {
      if (subdirectories === countedSubdirectories) continue;
      const detail = `it counts ${subdirectories} subdirectories and has ${countedSubdirectories}`;
      this.#context.report({ code: 'link-count', inode, detail });
    }
  }
}

function problemOfPage(
  directory: DirectoryFacts | undefined,
  page: number,
  names: readonly PagedName[],
): string | undefined {
  if (directory === undefined) return 'names are kept for what is no directory';
  if (page >= directory.namePages) return `page ${page} of names is beyond the ${directory.namePages} that it has`;
  if (names.length > NAMES_PER_PAGE) return `page ${page} has ${names.length} names`;
  return undefined;
}

function isName(name: string): boolean {
  if (name.length === 0 || name.length > NAME_BYTES_MAX || name === '.' || name === '..') return false;
  return !name.includes('/') && !name.includes('\0');
}

/** Compares, one by one, the names of inodes whose sums differ. */
class NameComparison {
  readonly #context: CheckContext;
  readonly #table: InodeTable;
  /** Of each suspect: directory/name of its record, and whether the directory has it. */
  readonly #wanted = new Map<bigint, Map<string, boolean>>();

  constructor(context: CheckContext, table: InodeTable) {
    this.#context = context;
    this.#table = table;
  }

  async run(): Promise<void> {
    for (let position = 0; position < this.#table.length; position++) {
      if (this.#table.namesAgree(position)) continue;
      if (this.#wanted.size >= SUSPECTS_MAX) break;
      this.#readLinks(this.#table.inodeAt(position));
    }
    if (this.#wanted.size === 0) return;
    await this.#context.each(KIND.namePage, (record) => this.#compare(record));
    for (const [inode, links] of this.#wanted) this.#reportMissing(inode, links);
  }

  #readLinks(inode: bigint): void {
    const links = new Map<string, boolean>();
    const bytes = this.#context.source.read(numberKey(KIND.inode, inode));
    const state = bytes === undefined ? undefined : decodeInode(inode, bytes);
    for (const link of state?.links ?? []) links.set(`${link.parent}/${nameKey(link.name)}`, false);
    this.#wanted.set(inode, links);
  }

  #compare([key, value]: RawRecord): void {
    const directory = key.readBigUInt64BE(1);
    if (!this.#table.directories.has(this.#table.find(directory))) return;
    for (const { name: bytes, inode: child } of decodeNamePage(value)) {
      const links = this.#wanted.get(child);
      if (links === undefined) continue;
      const name = nameKey(bytes);
      const tag = `${directory}/${name}`;
      const seen = links.get(tag);
      if (seen === false) {
        links.set(tag, true);
        continue;
      }
      const detail = seen === undefined ? `${inodeText(child)} does not have this name` : 'it is there twice';
      this.#context.report({ code: 'name-stray', inode: directory, name, other: child, detail });
    }
  }

  #reportMissing(inode: bigint, links: ReadonlyMap<string, boolean>): void {
    for (const [tag, present] of links) {
      if (present) continue;
      const slash = tag.indexOf('/');
      const parent = BigInt(tag.slice(0, slash));
      const name = tag.slice(slash + 1);
      const exists = this.#table.directories.has(this.#table.find(parent));
      const about = exists ? { inode: parent, name, other: inode } : { inode, other: parent };
      const detail = exists
        ? `${inodeText(inode)} has this name, its directory not`
        : `its name ${shown(name)} is in ${inodeText(parent)}, which is no directory`;
      this.#context.report({ code: exists ? 'name-missing' : 'link-parent', ...about, detail });
    }
  }
}

export const shown = (name: string): string => JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'));

/** Without a name an inode is either open (noted as an orphan) or reaped; with one it is neither. */
export async function checkOrphans(context: CheckContext, table: InodeTable): Promise<number> {
  let orphans = 0;
  await context.each(KIND.orphan, ([key]) => {
    const inode = key.readBigUInt64BE(1);
    const position = table.find(inode);
    orphans += 1;
    const report = (detail: string): void => context.report({ code: 'orphan-stray', inode, key, detail });
    if (position < 0) report('noted as unlinked, and does not exist');
    else if (table.has(position, FLAG.named)) report('noted as unlinked, and has a name');
    else if (table.has(position, FLAG.reaped)) report('noted as unlinked, and was reaped');
    if (position >= 0) table.mark(position, FLAG.orphan);
  });
  for (let position = 0; position < table.length; position++) {
    const named = table.has(position, FLAG.named);
    const reaped = table.has(position, FLAG.reaped);
    const inode = named !== reaped || table.has(position, FLAG.orphan) ? undefined : table.inodeAt(position);
    if (inode === undefined || inode === 1n) continue;
    const detail = named ? 'it has a name, and is said to be reaped' : 'it has no name, and is not noted as unlinked';
    context.report({ code: 'orphan-lost', inode, detail });
  }
  return orphans;
}
