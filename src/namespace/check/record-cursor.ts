// Reads one kind of records beside another that is in the same order of inodes: what belongs to the inode at hand, and
// what was passed over because no inode has it.
import type { Kind } from '../keys.ts';
import type { CheckContext } from './context.ts';
import type { RawRecord } from './source.ts';

const NONE: readonly RawRecord[] = [];

export class RecordCursor {
  readonly #context: CheckContext;
  readonly #kind: Kind;
  readonly #batches: AsyncGenerator<readonly RawRecord[]>;
  #records: readonly RawRecord[] = [];
  #position = 0;
  #ended = false;
  /** The inode of the next record, read once. */
  #next: bigint | undefined;

  constructor(context: CheckContext, kind: Kind) {
    this.#context = context;
    this.#kind = kind;
    this.#batches = context.source.scan(kind);
  }

  /** Before the first use. */
  async start(): Promise<void> {
    await this.#advance();
  }

  /** Whether anything is left of inodes up to this one; most often there is nothing to wait for. */
  reaches(inode: bigint): boolean {
    return this.#next !== undefined && this.#next <= inode;
  }

  /** Records of inodes below this one; of all that are left when it is undefined. */
  async before(inode: bigint | undefined): Promise<readonly RawRecord[]> {
    return await this.#while((owner) => inode === undefined || owner < inode);
  }

  async of(inode: bigint): Promise<readonly RawRecord[]> {
    return await this.#while((owner) => owner === inode);
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }

  async #while(wanted: (owner: bigint) => boolean): Promise<readonly RawRecord[]> {
    if (this.#next !== undefined && !wanted(this.#next)) return NONE;
    const found: RawRecord[] = [];
    for (;;) {
      if (this.#next === undefined && !(await this.#advance())) return found;
      const record = this.#records[this.#position];
      if (this.#next === undefined || record === undefined || !wanted(this.#next)) return found;
      found.push(record);
      this.#position += 1;
      this.#next = this.#ownerAt(this.#position);
    }
  }

  async #advance(): Promise<boolean> {
    if (this.#ended) return false;
    try {
      const { value, done } = await this.#batches.next();
      this.#ended = done === true;
      this.#records = done === true ? [] : value;
    } catch (error) {
      this.#ended = true;
      this.#context.unreadable(this.#kind, error);
      this.#records = [];
    }
    this.#position = 0;
    this.#next = this.#ownerAt(0);
    return this.#next !== undefined;
  }

  #ownerAt(position: number): bigint | undefined {
    return this.#records[position]?.[0].readBigUInt64BE(1);
  }
}
