// An inode from the operations that made it: of each register what the greatest stamp wrote. The operations are kept for
// peers, so what a record has lost is most often still there; names come from the directories, which list them.
import type { LogNumber } from '../../base/units.ts';
import { decodeBatch, type Operation, type OperationAttributes, type OperationContent } from '../../wire/operations.ts';
import { type LocalLogs, localInode } from '../apply.ts';
import { KIND } from '../keys.ts';
import type { LogTable } from '../logs.ts';
import { type ExtendedValue, type LogCount, nameKey, type Register, type Stamp } from '../state.ts';
import type { RecordSource } from './source.ts';

/** What operations say of an inode. */
export interface ToldInode {
  readonly registers: Map<Register, Stamp>;
  mode: number;
  uid: number;
  gid: number;
  modified: bigint;
  device: number;
  target: Uint8Array | undefined;
  content: { readonly content: OperationContent; readonly logs: LocalLogs } | undefined;
  /** The last content of each log. */
  readonly edits: Map<number, LogCount>;
  readonly extended: Map<string, ExtendedValue>;
  /** directory/name -> the newest operation that gave it. */
  readonly names: Map<string, Stamp>;
}

/** Reads all operations once; an inode that none made is not in the answer. */
export async function toldByOperations(
  source: RecordSource,
  logs: LogTable,
  wanted: ReadonlySet<bigint>,
): Promise<ReadonlyMap<bigint, ToldInode>> {
  const told = new Map<bigint, ToldInode>();
  if (wanted.size === 0) return told;
  for await (const records of source.scan(KIND.batch)) {
    for (const [, value] of records) {
      const decoded = decodeBatch(value);
      if (!decoded.ok) continue; // a finding of its own
      const { batch } = decoded;
      const locals = batch.logs.map((name) => logs.find(name)?.number ?? (0 as LogNumber));
      const [log] = locals;
      if (log === undefined) continue;
      batch.operations.forEach((operation, index) => {
        const inode = localInode(operation.inode, locals);
        if (!wanted.has(inode)) return;
        const stamp = { clock: batch.clock, log, sequence: batch.firstSequence + BigInt(index) };
        take(toldOf(told, inode), { operation, stamp, locals, logs });
      });
    }
  }
  for (const [inode, one] of told) if (one.mode === 0) told.delete(inode); // changed, but never made
  return told;
}

function toldOf(told: Map<bigint, ToldInode>, inode: bigint): ToldInode {
  const known = told.get(inode);
  if (known !== undefined) return known;
  const fresh: ToldInode = {
    registers: new Map(),
    mode: 0,
    uid: 0,
    gid: 0,
    modified: 0n,
    device: 0,
    target: undefined,
    content: undefined,
    edits: new Map(),
    extended: new Map(),
    names: new Map(),
  };
  told.set(inode, fresh);
  return fresh;
}

interface Given {
  readonly operation: Operation;
  readonly stamp: Stamp;
  readonly locals: LocalLogs;
  readonly logs: LogTable;
}

function take(told: ToldInode, { operation, stamp, locals, logs }: Given): void {
  const wins = (register: Register): boolean => {
    const before = told.registers.get(register);
    if (before !== undefined && logs.compare(stamp, before) <= 0) return false;
    told.registers.set(register, stamp);
    return true;
  };
  const named = (parent: bigint, name: Uint8Array): void => {
    const tag = `${parent}/${nameKey(name)}`;
    const before = told.names.get(tag);
    if (before === undefined || logs.compare(stamp, before) > 0) told.names.set(tag, stamp);
  };
  if (operation.kind === 'create' || operation.kind === 'update') {
    for (const { name, value, removed } of operation.attributes.extended) {
      const key = nameKey(name);
      const before = told.extended.get(key)?.stamp;
      if (before !== undefined && logs.compare(stamp, before) <= 0) continue;
      const kept = removed ? undefined : Uint8Array.from(value);
      told.extended.set(key, { name: Uint8Array.from(name), value: kept, stamp });
    }
  }
  switch (operation.kind) {
    case 'create':
      told.device = operation.device;
      told.target = operation.target && Uint8Array.from(operation.target);
      told.mode |= (operation.attributes.mode ?? 0) & 0o170000;
      if (wins('owner'))
        Object.assign(told, { uid: operation.attributes.uid ?? 0, gid: operation.attributes.gid ?? 0 });
      takeAttributes(told, operation.attributes, wins);
      if (wins('content') && operation.content) told.content = { content: operation.content, logs: locals };
      named(localInode(operation.parent, locals), operation.name);
      break;
    case 'update':
      if (operation.attributes.uid !== undefined || operation.attributes.gid !== undefined) {
        const { uid = told.uid, gid = told.gid } = operation.attributes;
        if (wins('owner')) Object.assign(told, { uid, gid });
      }
      takeAttributes(told, operation.attributes, wins);
      if (operation.content === undefined) break;
      if (wins('content')) told.content = { content: operation.content, logs: locals };
      if (stamp.sequence > (told.edits.get(stamp.log)?.sequence ?? 0n)) told.edits.set(stamp.log, stamp);
      break;
    case 'link':
      named(localInode(operation.parent, locals), operation.name);
      break;
    case 'rename':
      named(localInode(operation.newParent, locals), operation.newName);
      break;
    case 'unlink':
      break; // what has a name now is what the directories say
  }
}

function takeAttributes(
  told: ToldInode,
  { mode, modified }: OperationAttributes,
  wins: (register: Register) => boolean,
): void {
  if (mode !== undefined && wins('mode')) told.mode = (told.mode & 0o170000) | (mode & 0o7777);
  if (modified !== undefined && wins('modified')) told.modified = modified;
}
