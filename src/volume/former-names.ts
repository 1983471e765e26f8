// What names had before they were removed or moved away. A file that is made under such a name is probably a version of
// what was there (`git checkout`, `tar`, a package manager), so it is sent as a delta to that (docs/design/0082); so is a
// temporary file that rsync or dpkg makes beside it. Names are known through their directories, also through one that was
// removed and made again. Only hints: bounded, oldest forgotten first, gone with the process.
import { isPacketFsError } from '../base/errors.ts';
import { FORMER_EXTENTS_MAX, FORMER_NAMES_MAX, REPLACED_FILE_BYTES_MAX } from '../base/limits.ts';
import type { InodeNumber } from '../base/units.ts';
import { toNative } from '../extent/native.ts';
import type { InodeRecord, Namespace } from '../namespace/types.ts';
import { isDirectory, isFile } from './modes.ts';

export interface FormerNamesOptions {
  readonly namespace: Pick<Namespace, 'extents' | 'inode' | 'lookup'>;
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
  readonly #names = new Map<string, Former>();
  /** At most so many are in these. */
  #extentsKept = 0;
  /** Of a directory that was made anew: the first one of its name. */
  readonly #directories = new Map<InodeNumber, InodeNumber>();
  /** Files without a version yet: what their names had. */
  readonly #awaited = new Map<InodeNumber, BigUint64Array>();

  constructor({ namespace, blob }: FormerNamesOptions) {
    this.#namespace = namespace;
    this.#blob = blob;
  }

  /** A name is about to go, or has just gone and its inode is still there. */
  removed(parent: InodeNumber, name: Uint8Array, record: InodeRecord): void {
    if (!isDirectory(record.mode) && !isFile(record.mode)) return;
    const extents = isFile(record.mode) ? this.#extentsOf(record) : undefined;
    if (isFile(record.mode) && extents === undefined) return;
    keep(this.#names, this.#key(parent, name), { inode: record.inode, extents });
    this.#extentsKept += extentsIn(extents);
    while (this.#extentsKept > FORMER_EXTENTS_MAX) this.#forgetHalf();
  }

  /** Not one by one: what is kept is counted anew. */
  #forgetHalf(): void {
    let left = Math.ceil(this.#names.size / 2);
    for (const key of this.#names.keys()) {
      if (left === 0) break;
      this.#names.delete(key);
      left--;
    }
    this.#extentsKept = [...this.#names.values()].reduce((sum, { extents }) => sum + extentsIn(extents), 0);
  }

  /** An inode got a new name, or was made under it. */
  made(parent: InodeNumber, name: Uint8Array, record: InodeRecord): void {
    if (isDirectory(record.mode)) this.#madeDirectory(parent, name, record.inode);
    if (!isFile(record.mode)) return;
    const old = this.#formerFile(parent, name);
    if (old === undefined) return;
    if (record.size > 0n) this.noteReplaced(record, old);
    else keep(this.#awaited, record.inode, old);
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

  #madeDirectory(parent: InodeNumber, name: Uint8Array, inode: InodeNumber): void {
    const former = this.#names.get(this.#key(parent, name));
    if (former === undefined || former.extents !== undefined || former.inode === inode) return;
    keep(this.#directories, inode, this.#firstOf(former.inode));
  }

  #formerFile(parent: InodeNumber, name: Uint8Array): BigUint64Array | undefined {
    const known = this.#names.get(this.#key(parent, name));
    if (known !== undefined) return known.extents;
    const final = finalNameOf(name);
    if (final !== undefined) return this.#extentsUnder(parent, final);
    const first = this.#directories.get(parent);
    // The directory that had the name was moved away, and has its files still.
    const moved = first === undefined || this.#namespace.inode(first) === undefined ? undefined : first;
    return moved === undefined ? undefined : this.#extentsUnder(moved, name);
  }

  #extentsUnder(parent: InodeNumber, name: Uint8Array): BigUint64Array | undefined {
    const record = this.#namespace.lookup(parent, name);
    return record !== undefined && isFile(record.mode) ? this.#extentsOf(record) : undefined;
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

  #key(parent: InodeNumber, name: Uint8Array): string {
    return `${this.#firstOf(parent)}/${textOf(name)}`;
  }

  #firstOf(directory: InodeNumber): InodeNumber {
    return this.#directories.get(directory) ?? directory;
  }
}

/** What rsync and dpkg write first, to be renamed over a file: it may be sent before that. */
const TEMPORARY_NAME = /^(?:\.(?<rsync>.+)\.[^.]{6}|(?<dpkg>.+)\.dpkg-new)$/su;

function finalNameOf(name: Uint8Array): Uint8Array | undefined {
  const { rsync, dpkg } = TEMPORARY_NAME.exec(textOf(name))?.groups ?? {};
  const final = rsync ?? dpkg;
  return final === undefined ? undefined : Buffer.from(final, 'latin1');
}

/** Each byte a character. */
const textOf = (name: Uint8Array): string => Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');

const extentsIn = (extents: BigUint64Array | undefined): number => (extents?.length ?? 0) / 3;

function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= FORMER_NAMES_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
