// Encodes an OperationBatch operation by operation, so that its maker can stop at a size. The order in which inode ids
// and runs are written is the order in which the decoder reads them: their deltas depend on it.
import protobuf from 'protobufjs/minimal.js';
import { encodeRuns, type RunCursors } from '../extent/runs.ts';
import { packetfs } from './generated/packetfs.js';
import { toWire } from './long.ts';
import type {
  BatchHeader,
  GlobalInode,
  Operation,
  OperationAttributes,
  OperationBatch,
  OperationContent,
} from './operation-types.ts';

const OPERATIONS_TAG = (5 << 3) | 2;

export class BatchEncoder {
  readonly #writer = protobuf.Writer.create();
  readonly #counters = new Map<number, number>();
  readonly #cursors: RunCursors = new Map();
  #count = 0;

  /** Bytes of the operations so far, without the header. */
  get byteLength(): number {
    return this.#writer.len;
  }

  get operationCount(): number {
    return this.#count;
  }

  add(operation: Operation): void {
    packetfs.Operation.encode(this.#wireOperation(operation), this.#writer.uint32(OPERATIONS_TAG).fork()).ldelim();
    this.#count += 1;
  }

  finish(header: BatchHeader): Uint8Array {
    const head = packetfs.OperationBatch.encode({
      logs: header.logs.map(({ node, epoch }) => ({ node, epoch })),
      firstSequence: toWire(header.firstSequence),
      clock: toWire(header.clock),
      dependencies: header.dependencies.map(({ source, sequence }) => ({ source, sequence: toWire(sequence) })),
    }).finish();
    const body = this.#writer.finish();
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    return bytes;
  }

  #wireOperation(operation: Operation): packetfs.Operation.$Properties {
    switch (operation.kind) {
      case 'create':
        return { create: this.#wireCreate(operation) };
      case 'update': {
        const update: packetfs.UpdateOperation.$Properties = { inode: this.#id(operation.inode) };
        const attributes = wireAttributes(operation.attributes);
        if (attributes !== undefined) update.attributes = attributes;
        if (operation.content !== undefined) update.content = this.#wireContent(operation.content);
        return { update };
      }
      case 'rename':
        return {
          rename: {
            inode: this.#id(operation.inode),
            oldParent: this.#id(operation.oldParent),
            oldName: operation.oldName,
            newParent: this.#id(operation.newParent),
            newName: operation.newName,
          },
        };
      default: {
        const name = { inode: this.#id(operation.inode), parent: this.#id(operation.parent), name: operation.name };
        return operation.kind === 'link' ? { link: name } : { unlink: name };
      }
    }
  }

  #wireCreate(operation: Extract<Operation, { kind: 'create' }>): packetfs.CreateOperation.$Properties {
    const create: packetfs.CreateOperation.$Properties = {
      inode: this.#id(operation.inode),
      parent: this.#id(operation.parent),
      name: operation.name,
      device: operation.device,
    };
    const attributes = wireAttributes(operation.attributes);
    if (attributes !== undefined) create.attributes = attributes;
    if (operation.target !== undefined) create.linkTarget = operation.target;
    if (operation.content !== undefined) create.content = this.#wireContent(operation.content);
    return create;
  }

  #id(inode: GlobalInode): packetfs.InodeId.$Properties {
    const delta = inode.counter - (this.#counters.get(inode.source) ?? 0);
    this.#counters.set(inode.source, inode.counter);
    return { source: inode.source, counterDelta: toWire(BigInt(delta)) };
  }

  #wireContent(content: OperationContent): packetfs.Content.$Properties {
    const size = toWire(content.size);
    if (content.runs.length === 0) return { size };
    const columns = encodeRuns(content.runs, this.#cursors);
    const runs = {
      source: [...columns.sources],
      positionDelta: columns.positionDeltas.map((delta) => toWire(BigInt(delta))),
      length: columns.lengths.map(toWire),
      check: content.checks.map(toWire),
    };
    return { size, runs };
  }
}

function wireAttributes(attributes: OperationAttributes): packetfs.Attributes.$Properties | undefined {
  const { mode, uid, gid, modified, extended } = attributes;
  const wire: packetfs.Attributes.$Properties = {};
  if (mode !== undefined) wire.mode = mode;
  if (uid !== undefined) wire.uid = uid;
  if (gid !== undefined) wire.gid = gid;
  if (modified !== undefined) wire.modifiedNs = toWire(modified);
  if (extended.length > 0) wire.extended = extended.map(({ name, value, removed }) => ({ name, value, removed }));
  return Object.keys(wire).length === 0 ? undefined : wire;
}

export function encodeBatch(batch: OperationBatch): Uint8Array {
  const encoder = new BatchEncoder();
  for (const operation of batch.operations) encoder.add(operation);
  return encoder.finish(batch);
}
