// Inode records with what hangs on them: extents in pages (E, F) and extended attributes (X) belong to an inode that says
// so, extents are in order, within the size and in the blob, and numbers and stamps are of logs that are known. Walks
// the kinds side by side, since all are in the order of inode numbers.
import { LINK_TARGET_BYTES_MAX, XATTR_NAME_BYTES_MAX, XATTR_VALUE_BYTES_MAX } from '../../base/limits.ts';
import { KIND } from '../keys.ts';
import { decodeExtended, decodeInode } from '../records.ts';
import { type InodeState, nameKey, TYPE_DIRECTORY, TYPE_FILE, TYPE_LINK, TYPE_MASK } from '../state.ts';
import { type ContentPages, checkContent } from './contents.ts';
import { type CheckContext, inodeText } from './context.ts';
import { FLAG, hashOfName, type InodeTable } from './inode-table.ts';
import { RecordCursor } from './record-cursor.ts';
import type { RawRecord } from './source.ts';

const KNOWN_TYPES = new Set([0o010000, 0o020000, TYPE_DIRECTORY, 0o060000, TYPE_FILE, TYPE_LINK, 0o140000]);
const COUNTER_BITS = 48n;
const SIZE_LIMIT = 1n << 63n;

export interface InodesSeen {
  readonly live: bigint;
  readonly files: number;
  readonly extents: number;
  readonly storedBytes: bigint;
}

interface Belongings extends ContentPages {
  readonly extended: RawRecord | undefined;
}
const NOTHING: Belongings = { index: undefined, pages: [], extended: undefined };

export async function checkInodes(context: CheckContext, table: InodeTable): Promise<InodesSeen> {
  const walk = new InodeWalk(context, table);
  await walk.run();
  return walk.seen;
}

class InodeWalk {
  readonly #context: CheckContext;
  readonly #table: InodeTable;
  readonly #indexes: RecordCursor;
  readonly #pages: RecordCursor;
  readonly #extended: RecordCursor;
  readonly #cursors: readonly RecordCursor[];
  seen: InodesSeen = { live: 0n, files: 0, extents: 0, storedBytes: 0n };

  constructor(context: CheckContext, table: InodeTable) {
    this.#context = context;
    this.#table = table;
    this.#indexes = new RecordCursor(context, KIND.extentIndex);
    this.#pages = new RecordCursor(context, KIND.extentPage);
    this.#extended = new RecordCursor(context, KIND.extended);
    this.#cursors = [this.#indexes, this.#pages, this.#extended];
  }

  async run(): Promise<void> {
    const context = this.#context;
    for (const cursor of this.#cursors) await cursor.start();
    try {
      for await (const records of context.source.scan(KIND.inode)) {
        for (const record of records) {
          const inode = record[0].readBigUInt64BE(1);
          const hasMore = this.#cursors.some((cursor) => cursor.reaches(inode));
          this.#take(record, inode, hasMore ? await this.#belongings(inode) : NOTHING);
        }
        context.progress(records.length);
        await context.rest();
      }
    } catch (error) {
      context.unreadable(KIND.inode, error);
    }
    await this.#leftOver(undefined);
    for (const cursor of this.#cursors) await cursor.close();
  }

  async #belongings(inode: bigint): Promise<Belongings> {
    await this.#leftOver(inode);
    return {
      index: (await this.#indexes.of(inode))[0],
      pages: await this.#pages.of(inode),
      extended: (await this.#extended.of(inode))[0],
    };
  }

  #take([key, value]: RawRecord, inode: bigint, belongings: Belongings): void {
    this.#context.attempt(key, () => {
      const state = decodeInode(inode, value);
      this.#note(state);
      this.#checkFields(state);
      const { extents, storedBytes } = checkContent(this.#context, state, belongings);
      this.seen = {
        live: this.seen.live + (state.reaped ? 0n : 1n),
        files: this.seen.files + ((state.record.mode & TYPE_MASK) === TYPE_FILE ? 1 : 0),
        extents: this.seen.extents + extents,
        storedBytes: this.seen.storedBytes + storedBytes,
      };
      const extended = belongings.extended;
      this.#context.attempt(extended?.[0] ?? key, () => this.#checkExtended(state, extended));
    });
  }

  /** Pages and attributes of inodes before `inode` that have no record. */
  async #leftOver(inode: bigint | undefined): Promise<void> {
    for (const [cursor, code] of [
      [this.#indexes, 'extent-page'],
      [this.#pages, 'extent-page'],
      [this.#extended, 'extended-attributes'],
    ] as const) {
      for (const [key] of await cursor.before(inode)) {
        const owner = key.readBigUInt64BE(1);
        const detail = `record ${key.toString('hex')} belongs to ${inodeText(owner)}, which does not exist`;
        this.#context.report({ code, inode: owner, detail, key });
      }
    }
  }

  /** Into the table, for names and tree. */
  #note(state: InodeState): void {
    const { inode, record, links } = state;
    const flags = (state.reaped ? FLAG.reaped : 0) | (links.length > 0 ? FLAG.named : 0);
    const position = this.#table.add(inode, (record.mode & TYPE_MASK) >> 12, flags);
    const counted = new Set<string>();
    for (const link of links) {
      const name = nameKey(link.name);
      const tag = links.length === 1 ? '' : `${link.parent}/${name}`;
      if (counted.has(tag)) continue;
      counted.add(tag);
      this.#table.addName(position, 'record', hashOfName(link.parent, name));
    }
    if ((record.mode & TYPE_MASK) !== TYPE_DIRECTORY) return;
    this.#table.directories.set(position, {
      inode,
      subdirectories: state.subdirectories,
      namePages: state.namePages,
      parent: state.position?.parent,
      shown: links.length > 0 || inode === 1n,
      countedSubdirectories: 0,
    });
  }

  #checkFields(state: InodeState): void {
    const { inode } = state;
    const report = (code: 'inode-fields' | 'inode-number' | 'directory-position' | 'log-behind', detail: string) =>
      this.#context.report({ code, inode, detail });
    const { mode, size, target } = state.record;
    const type = mode & TYPE_MASK;
    if (!KNOWN_TYPES.has(type)) report('inode-fields', `its type (mode ${mode.toString(8)}) is not known`);
    if (size < 0n || size >= SIZE_LIMIT) report('inode-fields', `its size is ${size}`);
    if (type === TYPE_LINK && (target === undefined || target.length > LINK_TARGET_BYTES_MAX)) {
      report('inode-fields', 'a symbolic link without a proper target');
    }
    const log = Number(inode >> COUNTER_BITS);
    if (log !== 0 && !this.#context.logs.has(log)) report('inode-number', `no log ${log} is known to have made it`);
    const isDirectory = type === TYPE_DIRECTORY;
    if (isDirectory && inode !== 1n && state.position === undefined) report('directory-position', 'it has no place');
    if (isDirectory && state.links.length > 1) report('directory-position', 'it has more than one name');
    const unknown = this.#unknownStamp(state);
    if (unknown !== undefined) {
      report('log-behind', `written by operation ${unknown.sequence} of log ${unknown.log}, which is not here`);
    }
  }

  #unknownStamp(state: InodeState): { readonly log: number; readonly sequence: bigint } | undefined {
    for (const stamp of stampsOf(state)) if (!this.#context.isKnown(stamp)) return stamp;
    return undefined;
  }

  #checkExtended(state: InodeState, record: RawRecord | undefined): void {
    const { inode } = state;
    const report = (detail: string): void => this.#context.report({ code: 'extended-attributes', inode, detail });
    if (state.hasExtended !== (record !== undefined)) {
      report(
        state.hasExtended ? 'its extended attributes are gone' : 'it has extended attributes that it does not name',
      );
    }
    if (record === undefined) return;
    for (const { name, value, stamp } of decodeExtended(record[1]).values()) {
      const shown = Buffer.from(name).toString();
      if (name.length === 0 || name.length > XATTR_NAME_BYTES_MAX)
        report(`the name of attribute ${shown} is not valid`);
      if ((value?.length ?? 0) > XATTR_VALUE_BYTES_MAX) report(`the value of attribute ${shown} is too large`);
      if (!this.#context.isKnown(stamp)) report(`attribute ${shown} was written by an operation that is not here`);
    }
  }
}

function* stampsOf(state: InodeState): Generator<{ readonly log: number; readonly sequence: bigint }> {
  for (const stamp of Object.values(state.stamps)) if (stamp !== undefined) yield stamp;
  for (const { stamp } of state.links) if (stamp !== undefined) yield stamp;
  for (const { link, removals } of state.deadLinks) {
    if (link.stamp !== undefined) yield link.stamp;
    yield* removals;
  }
  yield* state.edits;
  if (state.position?.stamp !== undefined) yield state.position.stamp;
  if (state.removed !== undefined) yield state.removed;
}
