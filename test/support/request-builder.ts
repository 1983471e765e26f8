// Packs FUSE requests as native/core/fuse/request_queue.cc does, for tests of what decodes them.
import { alignRecord, OPCODES, type OpcodeName, REQUEST_HEADER_BYTES } from '../../mount/protocol.ts';

export interface BuiltRequest {
  readonly opcode: OpcodeName;
  readonly id: bigint;
  readonly inode: bigint;
  /** numbers take 4 bytes, bigints 8. */
  readonly fields?: readonly (number | bigint)[];
  readonly name?: Uint8Array;
  readonly trailing?: Uint8Array;
  readonly caller?: { readonly uid: number; readonly gid: number; readonly umask: number };
}

export class RequestBuilder {
  readonly #records: Uint8Array[] = [];

  request(request: BuiltRequest): this {
    const { fields = [], name = new Uint8Array(), trailing = new Uint8Array() } = request;
    const fieldsBytes = fields.reduce<number>((total, field) => total + (typeof field === 'bigint' ? 8 : 4), 0);
    const record = new Uint8Array(alignRecord(REQUEST_HEADER_BYTES + fieldsBytes + name.length + trailing.length));
    const view = new DataView(record.buffer);
    view.setUint32(0, record.length, true);
    view.setUint16(4, OPCODES[request.opcode], true);
    view.setUint16(6, name.length, true);
    view.setBigUint64(8, request.id, true);
    view.setBigUint64(16, request.inode, true);
    view.setUint32(24, request.caller?.uid ?? 0, true);
    view.setUint32(28, request.caller?.gid ?? 0, true);
    view.setUint32(36, request.caller?.umask ?? 0, true);
    let at = REQUEST_HEADER_BYTES;
    for (const field of fields) {
      if (typeof field === 'bigint') view.setBigInt64(at, field, true);
      else view.setUint32(at, field, true);
      at += typeof field === 'bigint' ? 8 : 4;
    }
    record.set(name, at);
    record.set(trailing, at + name.length);
    this.#records.push(record);
    return this;
  }

  build(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#records));
  }
}
