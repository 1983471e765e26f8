// Contents that lost when two nodes wrote one file at once: kept, with their extents, until somebody decides.
import { hybridTime, type InodeNumber, inodeNumber, logNumber } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { toWire, unsignedOf } from '../wire/long.ts';
import { KIND, stampKey } from './keys.ts';
import { extentsOf, wireExtents } from './records.ts';
import type { Stamp } from './state.ts';
import type { Store } from './store.ts';
import type { ConflictRecord } from './types.ts';

export class ConflictTable {
  readonly #store: Store;
  readonly #conflicts = new Map<string, ConflictRecord>();

  constructor(store: Store) {
    this.#store = store;
  }

  load(key: Buffer, bytes: Uint8Array): void {
    const wire = packetfs.ConflictValue.decode(bytes);
    this.#conflicts.set(key.toString('hex'), {
      inode: inodeNumber(key.readBigUInt64BE(1)),
      clock: hybridTime(key.readBigUInt64BE(9)),
      log: logNumber(key.readUInt16BE(17)),
      sequence: key.readBigUInt64BE(19),
      size: unsignedOf(wire.size),
      extents: extentsOf(wire.extents),
    });
  }

  add(inode: InodeNumber, stamp: Stamp, content: { readonly size: bigint; readonly extents: readonly Extent[] }): void {
    const key = stampKey(KIND.conflict, stamp, inode);
    const { clock, log, sequence } = stamp;
    this.#conflicts.set(key.toString('hex'), { inode, clock: hybridTime(clock), log, sequence, ...content });
    const value = packetfs.ConflictValue.encode({
      size: toWire(content.size),
      extents: wireExtents(content.extents),
    }).finish();
    this.#store.change({ type: 'put', key, value });
  }

  all(): readonly ConflictRecord[] {
    return [...this.#conflicts.values()];
  }
}
