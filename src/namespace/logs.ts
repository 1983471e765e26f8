// The logs a node knows: local number <-> (node, epoch), the last operation of each, and what each had seen of the
// others. That vector decides which changes are concurrent, and stamps are ordered here because they order by node.
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { type LogNumber, logNumber } from '../base/units.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { toWire, unsignedOf } from '../wire/long.ts';
import { countOf, wireCount } from './records.ts';
import type { LogCount, Stamp } from './state.ts';
import type { LogEntry, LogName } from './types.ts';

// A node numbers peers' logs up from 1 and its own ones down from here: a log that got its number shortly before a crash
// (only the journal knows it) never meets the number of the epoch that follows the crash. Below 2^15, so that inode
// numbers stay positive as signed 64-bit values.
const OWN_NUMBER_FIRST = 0x7ffe;

export interface LogState {
  readonly number: LogNumber;
  readonly node: Uint8Array;
  readonly nodeHex: string;
  readonly epoch: number;
  sequence: bigint;
  durableSequence: bigint;
  readonly seen: Map<LogNumber, bigint>;
  inodeCounter: number;
  dirty: boolean;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export const entryOf = (log: LogState): LogEntry => ({
  number: log.number,
  node: log.node,
  epoch: log.epoch,
  sequence: log.sequence,
  durableSequence: log.durableSequence,
});

export class LogTable {
  readonly #byNumber = new Map<LogNumber, LogState>();
  readonly #byName = new Map<string, LogState>();

  get(number: LogNumber): LogState | undefined {
    return this.#byNumber.get(number);
  }

  require(number: LogNumber): LogState {
    const log = this.#byNumber.get(number);
    assert(log !== undefined, 'every log number in use is in the log table');
    return log;
  }

  find(name: LogName): LogState | undefined {
    return this.#byName.get(`${hex(name.node)}-${name.epoch}`);
  }

  all(): LogState[] {
    return [...this.#byNumber.values()];
  }

  /** Gives a log the next number, or the one that a journal recorded. */
  add(name: LogName, options: { readonly own: boolean; readonly number?: number }): LogState {
    const known = this.find(name);
    if (known !== undefined) return known;
    const number = options.number ?? this.#nextNumber(options.own);
    if (this.#byNumber.has(logNumber(number)) || number < 1 || number > OWN_NUMBER_FIRST) {
      throw new PacketFsError('PFS_NO_SPACE', 'The volume has used all its log numbers');
    }
    const log: LogState = {
      number: logNumber(number),
      node: Uint8Array.from(name.node),
      nodeHex: hex(name.node),
      epoch: name.epoch,
      sequence: 0n,
      durableSequence: 0n,
      seen: new Map(),
      inodeCounter: 0,
      dirty: true,
    };
    this.#put(log);
    return log;
  }

  load(number: number, bytes: Uint8Array): void {
    const wire = packetfs.LogRecord.decode(bytes);
    const node = Uint8Array.from(wire.name?.node ?? []);
    const sequence = unsignedOf(wire.sequence);
    this.#put({
      number: logNumber(number),
      node,
      nodeHex: hex(node),
      epoch: wire.name?.epoch ?? 0,
      sequence,
      durableSequence: sequence,
      seen: new Map(wire.seen.map(countOf).map((count) => [count.log, count.sequence])),
      inodeCounter: Number(unsignedOf(wire.inodeCounter)),
      dirty: false,
    });
  }

  encode(log: LogState): Uint8Array {
    return packetfs.LogRecord.encode({
      name: { node: log.node, epoch: log.epoch },
      sequence: toWire(log.sequence),
      seen: [...log.seen].map(([number, sequence]) => wireCount({ log: number, sequence })),
      inodeCounter: toWire(BigInt(log.inodeCounter)),
    }).finish();
  }

  /** Whether an operation of `log` at `sequence` was made with `count` applied before it. */
  hasSeen(log: LogState, sequence: bigint, count: LogCount | undefined): boolean {
    if (count === undefined || count.sequence === 0n) return true;
    if (count.log === log.number) return count.sequence < sequence;
    return (log.seen.get(count.log) ?? 0n) >= count.sequence;
  }

  /** Orders stamps as every node does: by clock, node, epoch, sequence; one without a number yet is the greatest. */
  compare(left: Stamp | undefined, right: Stamp | undefined): number {
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    if (left.clock !== right.clock) return left.clock < right.clock ? -1 : 1;
    if (left.log !== right.log) {
      // Local number 0 is the volume itself, which comes before every node.
      const one = this.#byNumber.get(left.log);
      const other = this.#byNumber.get(right.log);
      const first = one?.nodeHex ?? '';
      const second = other?.nodeHex ?? '';
      if (first !== second) return first < second ? -1 : 1;
      return (one?.epoch ?? 0) - (other?.epoch ?? 0);
    }
    if (left.sequence === right.sequence) return 0;
    return left.sequence < right.sequence ? -1 : 1;
  }

  #nextNumber(own: boolean): number {
    let number = own ? OWN_NUMBER_FIRST : 1;
    while (this.#byNumber.has(logNumber(number))) number += own ? -1 : 1;
    return number;
  }

  #put(log: LogState): void {
    this.#byNumber.set(log.number, log);
    this.#byName.set(`${log.nodeHex}-${log.epoch}`, log);
  }
}
