// Encodes an OperationBatch operation by operation, so that its maker can stop at a size. The order in which inode ids
// and runs are written is the order in which the decoder reads them: their deltas depend on it.
import { encodeRuns, type RunCursors } from '../extent/runs.ts';
import { MessageWriter } from './message-writer.ts';
import type {
  BatchHeader,
  GlobalInode,
  Operation,
  OperationAttributes,
  OperationBatch,
  OperationContent,
} from './operation-types.ts';

/** Of packetfs.OperationBatch. */
const OPERATIONS_FIELD = 5;
/** Fields of packetfs.Operation. */
const FIELDS = { create: 2, update: 3, link: 4, unlink: 5, rename: 6 } as const;

export class BatchEncoder {
  readonly #writer = new MessageWriter();
  readonly #counters = new Map<number, number>();
  readonly #cursors: RunCursors = new Map();
  #count = 0;

  /** Bytes of the operations so far, without the header. */
  get byteLength(): number {
    return this.#writer.byteLength;
  }

  get operationCount(): number {
    return this.#count;
  }

  add(operation: Operation): void {
    const start = this.#writer.begin(OPERATIONS_FIELD);
    const kind = this.#writer.begin(FIELDS[operation.kind]);
    this.#write(operation);
    this.#writer.end(kind);
    this.#writer.end(start);
    this.#count += 1;
  }

  finish(header: BatchHeader): Uint8Array {
    const body = this.#writer.finish();
    const head = encodeHeader(header);
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    return bytes;
  }

  #write(operation: Operation): void {
    const writer = this.#writer;
    this.#id(1, operation.inode);
    switch (operation.kind) {
      case 'create':
        this.#id(2, operation.parent);
        writer.bytes(3, operation.name);
        writeAttributes(writer, 4, operation.attributes);
        writer.uint32(5, operation.device);
        writer.bytes(6, operation.target);
        this.#content(7, operation.content);
        return;
      case 'update':
        writeAttributes(writer, 2, operation.attributes);
        this.#content(3, operation.content);
        return;
      case 'rename':
        this.#id(2, operation.oldParent);
        writer.bytes(3, operation.oldName);
        this.#id(4, operation.newParent);
        writer.bytes(5, operation.newName);
        return;
      default:
        this.#id(2, operation.parent);
        writer.bytes(3, operation.name);
    }
  }

  #id(field: number, inode: GlobalInode): void {
    const delta = inode.counter - (this.#counters.get(inode.source) ?? 0);
    this.#counters.set(inode.source, inode.counter);
    const start = this.#writer.begin(field);
    this.#writer.uint32(1, inode.source);
    this.#writer.sint52(2, delta);
    this.#writer.end(start);
  }

  #content(field: number, content: OperationContent | undefined): void {
    if (content === undefined) return;
    const writer = this.#writer;
    const start = writer.begin(field);
    writer.uint64(1, content.size);
    if (content.runs.length > 0) {
      const runs = writer.begin(2);
      this.#runs(content);
      writer.end(runs);
    }
    writer.end(start);
  }

  #runs({ runs, checks }: OperationContent): void {
    const writer = this.#writer;
    const { sources, positionDeltas, lengths } = encodeRuns(runs, this.#cursors);
    writer.packed(1, sources, (source) => writer.rawUint64(BigInt(source)));
    writer.packed(2, positionDeltas, (delta) => writer.rawSint64(BigInt(delta)));
    writer.packed(3, lengths, (length) => writer.rawUint64(length));
    writer.packed(4, checks, (check) => writer.rawFixed64(check));
  }
}

function encodeHeader(header: BatchHeader): Uint8Array {
  const writer = new MessageWriter();
  for (const { node, epoch } of header.logs) {
    const start = writer.begin(1);
    writer.bytes(1, node);
    writer.uint32(2, epoch);
    writer.end(start);
  }
  writer.uint64(2, header.firstSequence);
  writer.fixed64(3, header.clock);
  for (const { source, sequence } of header.dependencies) {
    const start = writer.begin(4);
    writer.uint32(1, source);
    writer.uint64(2, sequence);
    writer.end(start);
  }
  return writer.finish();
}

/** Left out where it says nothing. */
function writeAttributes(writer: MessageWriter, field: number, attributes: OperationAttributes): void {
  const { mode, uid, gid, modified, extended } = attributes;
  const isGiven = mode !== undefined || uid !== undefined || gid !== undefined || modified !== undefined;
  if (!isGiven && extended.length === 0) return;
  const start = writer.begin(field);
  writer.optionalUint32(1, mode);
  writer.optionalUint32(2, uid);
  writer.optionalUint32(3, gid);
  writer.optionalSint64(4, modified);
  for (const { name, value, removed } of extended) {
    const attribute = writer.begin(6);
    writer.bytes(1, name);
    writer.bytes(2, value);
    writer.bool(3, removed);
    writer.end(attribute);
  }
  writer.end(start);
}

export function encodeBatch(batch: OperationBatch): Uint8Array {
  const encoder = new BatchEncoder();
  for (const operation of batch.operations) encoder.add(operation);
  return encoder.finish(batch);
}
