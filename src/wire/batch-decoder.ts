// Decodes and validates an OperationBatch from a peer or from Level. What comes out is well-formed: every source names a
// log, names and counters are in range, contents cover their files. A malformed batch is a result, not an exception.
import {
  BATCH_ENCODED_BYTES_MAX,
  BATCH_OPERATIONS_MAX,
  LINK_TARGET_BYTES_MAX,
  NAME_BYTES_MAX,
  XATTR_NAME_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
} from '../base/limits.ts';
import { INODE_COUNTER_LIMIT } from '../base/units.ts';
import { checkGroups, decodeRuns, type RunCursors } from '../extent/runs.ts';
import { packetfs } from './generated/packetfs.js';
import { signedOf, unsignedOf } from './long.ts';
import {
  type BatchDependency,
  type BatchLog,
  type CreateOperation,
  type GlobalInode,
  indexOfSource,
  type LinkOperation,
  type Operation,
  type OperationAttributes,
  type OperationBatch,
  type OperationContent,
  type OperationExtendedAttribute,
  SOURCE_NONE,
} from './operation-types.ts';

export type DecodedBatch =
  | { readonly ok: true; readonly batch: OperationBatch }
  | { readonly ok: false; readonly reason: string };

const NODE_BYTES = 32;
const SIZE_LIMIT = 1n << 63n;
const ROOT_COUNTER = 1;
const SLASH = 0x2f;
const DOT = 0x2e;
const TYPE_MASK = 0o170000;
const TYPES = new Set([0o100000, 0o040000, 0o120000, 0o010000, 0o140000, 0o020000, 0o060000]);
const TYPE_FILE = 0o100000;
const TYPE_LINK = 0o120000;

class Malformed extends Error {}

function check(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new Malformed(reason);
}

export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  if (bytes.length > BATCH_ENCODED_BYTES_MAX) return { ok: false, reason: 'a batch is too large' };
  try {
    return { ok: true, batch: new BatchDecoder().decode(packetfs.OperationBatch.decode(bytes)) };
  } catch (error) {
    // protobufjs throws RangeError and Error on bytes that are no message; nothing else runs in here.
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

class BatchDecoder {
  #logs: readonly BatchLog[] = [];
  readonly #counters = new Map<number, number>();
  readonly #cursors: RunCursors = new Map();

  decode(message: packetfs.OperationBatch): OperationBatch {
    this.#logs = decodeLogs(message.logs);
    const firstSequence = unsignedOf(message.firstSequence);
    check(firstSequence >= 1n && firstSequence < SIZE_LIMIT, 'the first sequence number is out of range');
    check(message.operations.length >= 1, 'a batch holds no operation');
    check(message.operations.length <= BATCH_OPERATIONS_MAX, 'a batch holds too many operations');
    return {
      logs: this.#logs,
      firstSequence,
      clock: unsignedOf(message.clock),
      dependencies: message.dependencies.map((dependency) => this.#dependency(dependency)),
      operations: message.operations.map((operation) => this.#operation(operation)),
    };
  }

  #dependency(wire: packetfs.LogPointer.$Properties): BatchDependency {
    const source = wire.source ?? 0;
    const sequence = unsignedOf(wire.sequence);
    check(source > SOURCE_NONE && indexOfSource(source) < this.#logs.length, 'a dependency names no other log');
    check(sequence >= 1n && sequence < SIZE_LIMIT, 'a dependency has no sequence number');
    return { source, sequence };
  }

  #operation(wire: packetfs.Operation.$Properties): Operation {
    check(signedOf(wire.clockDelta) === 0n, 'an operation has a clock of its own');
    if (wire.create) return this.#create(wire.create);
    if (wire.update) return this.#update(wire.update);
    if (wire.link) return this.#link('link', wire.link);
    if (wire.unlink) return this.#link('unlink', wire.unlink);
    check(wire.rename, 'an operation is of no known kind');
    return {
      kind: 'rename',
      inode: this.#id(wire.rename.inode, 'inode'),
      oldParent: this.#id(wire.rename.oldParent, 'parent'),
      oldName: decodeName(wire.rename.oldName),
      newParent: this.#id(wire.rename.newParent, 'parent'),
      newName: decodeName(wire.rename.newName),
    };
  }

  #create(wire: packetfs.CreateOperation.$Properties): CreateOperation {
    const inode = this.#id(wire.inode, 'inode');
    const parent = this.#id(wire.parent, 'parent');
    const attributes = decodeAttributes(wire.attributes);
    const type = (attributes.mode ?? 0) & TYPE_MASK;
    check(TYPES.has(type), 'a created inode has no type');
    const target = wire.linkTarget?.length ? wire.linkTarget : undefined;
    check((target !== undefined) === (type === TYPE_LINK), 'a target belongs to symbolic links, and they have one');
    check((target?.length ?? 0) <= LINK_TARGET_BYTES_MAX, 'a symbolic link target is too long');
    check(!target?.includes(0), 'a symbolic link target holds a zero byte');
    check(!wire.content || type === TYPE_FILE, 'what is no file has content');
    return {
      kind: 'create',
      inode,
      parent,
      name: decodeName(wire.name),
      attributes,
      device: wire.device ?? 0,
      target,
      content: this.#content(wire.content),
    };
  }

  #update(wire: packetfs.UpdateOperation.$Properties): Operation {
    const inode = this.#id(wire.inode, 'parent');
    const attributes = decodeAttributes(wire.attributes);
    return { kind: 'update', inode, attributes, content: this.#content(wire.content) };
  }

  #link(kind: LinkOperation['kind'], wire: packetfs.LinkOperation.$Properties): LinkOperation {
    return {
      kind,
      inode: this.#id(wire.inode, 'inode'),
      parent: this.#id(wire.parent, 'parent'),
      name: decodeName(wire.name),
    };
  }

  /** An `inode` may not be the root, which nothing creates, links, moves or removes. */
  #id(wire: packetfs.InodeId.$Properties | null | undefined, role: 'inode' | 'parent'): GlobalInode {
    check(wire, 'an inode id is missing');
    const source = wire.source ?? 0;
    check(source === SOURCE_NONE || indexOfSource(source) < this.#logs.length, 'an inode id names no log');
    const counter = (this.#counters.get(source) ?? 0) + Number(signedOf(wire.counterDelta));
    check(
      Number.isSafeInteger(counter) && counter >= 1 && counter < INODE_COUNTER_LIMIT,
      'an inode counter is out of range',
    );
    check(source !== SOURCE_NONE || counter === ROOT_COUNTER, 'the volume itself has only the root inode');
    check(source !== SOURCE_NONE || role === 'parent', 'the root is created, linked, moved or removed');
    this.#counters.set(source, counter);
    return { source, counter };
  }

  #content(wire: packetfs.Content.$Properties | null | undefined): OperationContent | undefined {
    if (!wire) return undefined;
    const size = unsignedOf(wire.size);
    check(size < SIZE_LIMIT, 'a file is too large');
    const columns = {
      sources: wire.runs?.source ?? [],
      positionDeltas: (wire.runs?.positionDelta ?? []).map((delta) => Number(signedOf(delta))),
      lengths: (wire.runs?.length ?? []).map(unsignedOf),
    };
    const runs = decodeRuns(columns, size, this.#cursors);
    check(runs, 'runs do not cover their file');
    const checks = (wire.runs?.check ?? []).map(unsignedOf);
    check(checks.length === checkGroups(runs).length, 'a content has another number of checks than groups');
    const known = (source: number) => source === SOURCE_NONE || indexOfSource(source) < this.#logs.length;
    check(
      runs.every((run) => known(run.source)),
      'a run names no log',
    );
    return { size, runs, checks };
  }
}

function decodeLogs(wire: readonly packetfs.LogName.$Properties[]): BatchLog[] {
  const logs = wire.map((log) => ({ node: log.node ?? new Uint8Array(0), epoch: log.epoch ?? 0 }));
  check(logs.length >= 1, 'a batch names no log');
  for (const log of logs) check(log.node.length === NODE_BYTES && log.epoch >= 1, 'a log name is malformed');
  const names = logs.map((log) => `${Buffer.from(log.node).toString('hex')}-${log.epoch}`);
  check(new Set(names).size === names.length, 'a batch names a log twice');
  return logs;
}

function decodeName(name: Uint8Array | null | undefined): Uint8Array {
  check(name && name.length >= 1 && name.length <= NAME_BYTES_MAX, 'a name has no valid length');
  check(!name.includes(SLASH) && !name.includes(0), 'a name holds a slash or a zero byte');
  check(!(name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))), 'a name is . or ..');
  return name;
}

function decodeAttributes(wire: packetfs.Attributes.$Properties | null | undefined): OperationAttributes {
  const extended = (wire?.extended ?? []).map(decodeExtended);
  if (!wire) return { extended };
  const { mode, uid, gid, modifiedNs } = wire;
  return {
    ...(mode === null || mode === undefined ? {} : { mode }),
    ...(uid === null || uid === undefined ? {} : { uid }),
    ...(gid === null || gid === undefined ? {} : { gid }),
    ...(modifiedNs === null || modifiedNs === undefined ? {} : { modified: signedOf(modifiedNs) }),
    extended,
  };
}

function decodeExtended(wire: packetfs.ExtendedAttribute.$Properties): OperationExtendedAttribute {
  const name = wire.name ?? new Uint8Array(0);
  const value = wire.value ?? new Uint8Array(0);
  check(name.length >= 1 && name.length <= XATTR_NAME_BYTES_MAX, 'an extended attribute name has no valid length');
  check(!name.includes(0), 'an extended attribute name holds a zero byte');
  check(value.length <= XATTR_VALUE_BYTES_MAX, 'an extended attribute is too large');
  return { name, value, removed: wire.removed ?? false };
}
