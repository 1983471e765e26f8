// Encodes inodes and extents, which commits and the journal do for every file. The format is that of packetfs.proto
// ("records of the namespace"); records.ts decodes it.
import { HOLE } from '../base/units.ts';
import { type Extent, extentEnd, isHole } from '../extent/extent.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { type InodeState, type LogCount, type NameLink, REGISTERS, type Stamp } from './state.ts';

const writer = new MessageWriter();

export function encodeInode(state: InodeState): Uint8Array {
  const { record } = state;
  writer.uint32(1, record.mode);
  writer.uint32(2, record.uid);
  writer.uint32(3, record.gid);
  writer.uint32(4, record.device);
  writer.uint64(5, record.size);
  writer.uint64(6, record.allocatedBytes);
  writer.fixed64(7, record.accessed);
  writer.fixed64(8, record.modified);
  writer.fixed64(9, record.changed);
  writer.bytes(10, record.target);
  writer.fixed64(11, record.contentVersion);
  writeStamps(state);
  for (const link of state.links) writeLink(13, link);
  for (const { link, removals } of state.deadLinks) {
    const start = writer.begin(14);
    writeLink(1, link);
    for (const count of removals) writeCount(2, count);
    writer.end(start);
  }
  for (const count of state.edits) writeCount(15, count);
  if (state.position !== undefined) writeLink(16, state.position);
  if (state.removed !== undefined) writeStamp(17, state.removed);
  writer.uint32(18, state.subdirectories);
  writer.uint32(19, state.namePages);
  writer.bool(20, state.reaped);
  writer.bool(21, state.hasExtended);
  if (!state.hasPages && state.inlineExtents.length > 0) writeExtents(writer, 22, state.inlineExtents);
  writer.bool(23, state.hasPages);
  return writer.finish();
}

/** As the columns of packetfs.ExtentColumns. */
export function writeExtents(target: MessageWriter, field: number, extents: readonly Extent[]): void {
  const start = target.begin(field);
  let end = 0n;
  target.packed(1, extents, (extent) => {
    target.rawUint64(extent.offset - end);
    end = extentEnd(extent);
  });
  target.packed(2, extents, ({ length }) => target.rawUint64(length));
  let addressEnd = 0n;
  target.packed(3, extents, (extent) => {
    // Modulo 2^64, so that HOLE (2^64-1) fits into a signed delta as well.
    target.rawSint64(BigInt.asIntN(64, extent.address - addressEnd));
    addressEnd = isHole(extent) ? HOLE : extent.address + extent.length;
  });
  target.end(start);
}

/** One where all registers have the same; none: not replicated. */
function writeStamps(state: InodeState): void {
  const first = state.stamps.mode;
  if (!state.replicated || first === undefined) return;
  if (REGISTERS.every((register) => sameStamp(state.stamps[register], first))) writeStamp(12, first);
  else for (const register of REGISTERS) writeStamp(12, state.stamps[register] ?? first);
}

const sameStamp = (left: Stamp | undefined, right: Stamp): boolean =>
  left === right || (left?.sequence === right.sequence && left.log === right.log && left.clock === right.clock);

function writeStamp(field: number, stamp: Stamp): void {
  const start = writer.begin(field);
  writer.fixed64(1, stamp.clock);
  writer.uint32(2, stamp.log);
  writer.uint64(3, stamp.sequence);
  writer.end(start);
}

function writeLink(field: number, link: NameLink): void {
  const start = writer.begin(field);
  writer.fixed64(1, link.parent);
  writer.bytes(2, link.name);
  if (link.stamp !== undefined) writeStamp(3, link.stamp);
  writer.end(start);
}

function writeCount(field: number, count: LogCount): void {
  const start = writer.begin(field);
  writer.uint32(1, count.log);
  writer.uint64(2, count.sequence);
  writer.end(start);
}
