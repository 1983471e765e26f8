// Where a check reads records from: one Level snapshot, so a commit made meanwhile is seen as a whole or not at all.
// Values are given as they are; whoever decodes one reports what does not decode.
import { Level } from 'level';
import { PacketFsError } from '../../base/errors.ts';
import { type Kind, kindRange, numberKey } from '../keys.ts';

export type RawRecord = readonly [key: Buffer, value: Uint8Array];
type NamespaceLevel = Level<Buffer, Uint8Array>;

const RECORDS_PER_READ = 256;
const READ_BYTES_MAX = 256 * 1024;

export class RecordSource {
  readonly #level: NamespaceLevel;
  readonly #snapshot: ReturnType<NamespaceLevel['snapshot']>;
  readonly #ownsLevel: boolean;

  constructor(level: NamespaceLevel, options: { readonly ownsLevel: boolean }) {
    this.#level = level;
    this.#snapshot = level.snapshot();
    this.#ownsLevel = options.ownsLevel;
  }

  /** All records of a kind in the order of their keys, some at a time. PFS_CORRUPT where Level cannot read on. */
  async *scan(kind: Kind): AsyncGenerator<readonly RawRecord[]> {
    const iterator = this.#level.iterator({
      ...kindRange(kind),
      snapshot: this.#snapshot,
      highWaterMarkBytes: READ_BYTES_MAX,
      fillCache: false,
    });
    try {
      for (;;) {
        const records = await readOn(() => iterator.nextv(RECORDS_PER_READ));
        if (records.length === 0) return;
        yield records;
      }
    } finally {
      await iterator.close();
    }
  }

  /** All records of one inode of a kind that has several of each. */
  async ofInode(kind: Kind, inode: bigint): Promise<readonly RawRecord[]> {
    const range = { gte: numberKey(kind, inode), lt: numberKey(kind, inode + 1n) };
    return await readOn(() => this.#level.iterator({ ...range, snapshot: this.#snapshot }).all());
  }

  read(key: Buffer): Uint8Array | undefined {
    try {
      return this.#level.getSync(key, { snapshot: this.#snapshot });
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
    if (this.#ownsLevel) await this.#level.close();
  }
}

/** Of a namespace that nobody has open. Level puts its own files in order; no record changes. */
export async function openRecords(directory: string): Promise<RecordSource> {
  const level: NamespaceLevel = new Level(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'view',
    createIfMissing: false,
  });
  try {
    await level.open();
  } catch (cause) {
    throw new PacketFsError('PFS_CORRUPT', `the namespace in ${directory} cannot be opened`, { cause });
  }
  return new RecordSource(level, { ownsLevel: true });
}

async function readOn<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

const unreadable = (cause: unknown): PacketFsError =>
  new PacketFsError('PFS_CORRUPT', `Level cannot read on: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
