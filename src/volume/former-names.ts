// What a new file is probably a version of, so that it is sent as a delta to that (docs/design/0082): what its name had
// before it was removed or moved away (`git checkout`, `tar`, a package manager); what a temporary file of rsync or dpkg
// will replace; what has the same name in the release beside its own. Names are known through their directories, also
// through one that was removed and made again. Only hints: bounded, oldest forgotten first, gone with the process.
import { isPacketFsError } from '../base/errors.ts';
import { FORMER_EXTENTS_MAX, FORMER_NAMES_MAX, RELEASES_BESIDE_MAX, REPLACED_FILE_BYTES_MAX } from '../base/limits.ts';
import type { InodeNumber } from '../base/units.ts';
import { toNative } from '../extent/native.ts';
import type { DirectoryListing, InodeRecord, Namespace } from '../namespace/types.ts';
import { isDirectory, isFile } from './modes.ts';
import { RecentMap } from './recent-map.ts';

export interface FormerNamesOptions {
  readonly namespace: Pick<Namespace, 'extents' | 'inode' | 'lookup' | 'nameCount' | 'readDirectory'>;
  readonly blob: { noteReplaced(fresh: BigUint64Array, old: BigUint64Array): void };
}

interface Former {
  /** Of a directory, or of a file that has another name now. */
  readonly inode: InodeNumber;
  /** Of a file whose last name it was. */
  readonly extents: BigUint64Array | undefined;
}

export class FormerNames {
  readonly #namespace: FormerNamesOptions['namespace'];
  readonly #blob: FormerNamesOptions['blob'];
  readonly #names = recent<string, Former>(({ extents }) => extentsIn(extents));
  /** Of a directory that was made anew: the first one of its name. */
  readonly #directories = recent<InodeNumber, InodeNumber>(() => 0);
  /** Of a directory that was made beside or within one of another release: that, or the one of its name in that. */
  readonly #otherReleases = recent<InodeNumber, InodeNumber>(() => 0);
  /** Files without a version yet: what their names had. */
  readonly #awaited = recent<InodeNumber, BigUint64Array>(extentsIn);

  constructor({ namespace, blob }: FormerNamesOptions) {
    this.#namespace = namespace;
    this.#blob = blob;
  }

  /** A name is about to go, or has just gone and its inode is still there. */
  removed(parent: InodeNumber, name: Uint8Array, record: InodeRecord): void {
    if (!isDirectory(record.mode) && !isFile(record.mode)) return;
    const extents = isFile(record.mode) ? this.#extentsOf(record) : undefined;
    if (isFile(record.mode) && extents === undefined) return;
    this.#names.set(this.#key(parent, textOf(name)), { inode: record.inode, extents });
  }

  /** An inode got a new name, or was made under it. Never fails: what is damaged elsewhere gives no hint. */
  made(parent: InodeNumber, name: Uint8Array, record: InodeRecord): void {
    try {
      this.#made(parent, name, record);
    } catch (error) {
      if (!isPacketFsError(error)) throw error; // who reads what is damaged is told of it
    }
  }

  #made(parent: InodeNumber, name: Uint8Array, record: InodeRecord): void {
    if (isDirectory(record.mode)) this.#madeDirectory(parent, textOf(name), record.inode);
    if (!isFile(record.mode)) return;
    const old = this.#formerFile(parent, textOf(name));
    if (old === undefined) return;
    if (record.size > 0n) this.noteReplaced(record, old);
    else this.#awaited.set(record.inode, old);
  }

  /** What an inode without content will probably be like. */
  awaitedLike(inode: InodeNumber): BigUint64Array | undefined {
    return this.#awaited.get(inode);
  }

  /** A file has a new version. */
  versionMade(record: InodeRecord): void {
    const old = this.#awaited.get(record.inode);
    if (old === undefined) return;
    this.#awaited.delete(record.inode);
    this.noteReplaced(record, old);
  }

  /** A file takes the place of what has these extents, or this other file. */
  noteReplaced(record: InodeRecord, old: BigUint64Array | InodeRecord): void {
    const fresh = this.#extentsOf(record);
    const replaced = old instanceof BigUint64Array ? old : this.#extentsOf(old);
    if (fresh !== undefined && replaced !== undefined) this.#blob.noteReplaced(fresh, replaced);
  }

  #madeDirectory(parent: InodeNumber, name: string, inode: InodeNumber): void {
    const former = this.#names.get(this.#key(parent, name));
    if (former !== undefined && former.extents === undefined && former.inode !== inode) {
      this.#directories.set(inode, this.#firstOf(former.inode));
    }
    const other = this.#directoryInOther(parent, name) ?? this.#releaseBeside(parent, name);
    if (other !== undefined && other !== inode) this.#otherReleases.set(inode, other);
  }

  #releaseBeside(parent: InodeNumber, name: string): InodeNumber | undefined {
    if (!HAS_NUMBER.test(name) || this.#namespace.nameCount(parent) > RELEASES_BESIDE_MAX) return undefined;
    return siblingRelease(this.#namespace.readDirectory(parent), name);
  }

  #directoryInOther(parent: InodeNumber, name: string): InodeNumber | undefined {
    const other = this.#otherReleases.get(parent);
    const found = other === undefined ? undefined : this.#recordUnder(other, name);
    return found !== undefined && isDirectory(found.mode) ? found.inode : undefined;
  }

  #formerFile(parent: InodeNumber, name: string): BigUint64Array | undefined {
    const known = this.#names.get(this.#key(parent, name));
    if (known !== undefined) return known.extents;
    const final = finalNameOf(name);
    if (final !== undefined) return this.#extentsUnder(parent, final);
    // The directory that had the name was moved away, and has its files still.
    const moved = this.#directories.get(parent);
    const inMoved = moved === undefined ? undefined : this.#extentsUnder(moved, name);
    if (inMoved !== undefined) return inMoved;
    const other = this.#otherReleases.get(parent);
    return other === undefined ? undefined : this.#extentsUnder(other, name);
  }

  #extentsUnder(parent: InodeNumber, name: string): BigUint64Array | undefined {
    const record = this.#recordUnder(parent, name);
    return record !== undefined && isFile(record.mode) ? this.#extentsOf(record) : undefined;
  }

  /** Of a directory that may be gone. */
  #recordUnder(parent: InodeNumber, name: string): InodeRecord | undefined {
    if (this.#namespace.inode(parent) === undefined) return undefined;
    return this.#namespace.lookup(parent, Buffer.from(name, 'latin1'));
  }

  /** Undefined of large files, whose stored chunks tell what was replaced, and of what is damaged or empty. */
  #extentsOf({ inode, size }: InodeRecord): BigUint64Array | undefined {
    if (size === 0n || size > REPLACED_FILE_BYTES_MAX) return undefined;
    try {
      return toNative(this.#namespace.extents(inode));
    } catch (error) {
      // Damaged extents are reported to who reads them; to be removed or replaced a file need not be whole.
      if (!isPacketFsError(error, 'PFS_CORRUPT')) throw error;
      return undefined;
    }
  }

  #key(parent: InodeNumber, name: string): string {
    return `${this.#firstOf(parent)}/${name}`;
  }

  #firstOf(directory: InodeNumber): InodeNumber {
    return this.#directories.get(directory) ?? directory;
  }
}

/** What rsync and dpkg write first, to be renamed over a file: it may be sent before that. */
const TEMPORARY_NAME = /^(?:\.(?<rsync>.+)\.[^.]{6}|(?<dpkg>.+)\.dpkg-new)$/su;

function finalNameOf(name: string): string | undefined {
  const { rsync, dpkg } = TEMPORARY_NAME.exec(name)?.groups ?? {};
  return rsync ?? dpkg;
}

const HAS_NUMBER = /\d/;
const NUMBERS = /\d+/g;

/**
 * The directory whose name differs from this one in numbers alone, as those of releases do: of several the one that
 * differs last, and of these the youngest.
 */
function siblingRelease(siblings: DirectoryListing, name: string): InodeNumber | undefined {
  const pattern = name.replaceAll(NUMBERS, '0');
  let found: { inode: InodeNumber; common: number } | undefined;
  for (const entry of siblings) {
    const other = isDirectory(entry.mode) ? textOf(entry.name) : name;
    if (other === name || other.replaceAll(NUMBERS, '0') !== pattern) continue;
    const common = commonLength(name, other);
    const isNearer = found === undefined || common > found.common;
    if (isNearer || (common === found?.common && entry.inode > found.inode)) found = { inode: entry.inode, common };
  }
  return found?.inode;
}

function commonLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return length;
}

/** Each byte a character. */
const textOf = (name: Uint8Array): string => Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');

const extentsIn = (extents: BigUint64Array | undefined): number => (extents?.length ?? 0) / 3;

const recent = <Key, Value>(weightOf: (value: Value) => number): RecentMap<Key, Value> =>
  new RecentMap({ countMax: FORMER_NAMES_MAX, weightMax: FORMER_EXTENTS_MAX, weightOf });
