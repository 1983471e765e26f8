// Decoded state <-> the values of Level (packetfs.proto, "records of the namespace"). Level checks its own blocks, so a
// value that does not decode means damage: the exception becomes PFS_CORRUPT in store.ts.
import { blobAddress, HOLE, hybridTime, inodeNumber, logNumber, nanoseconds } from '../base/units.ts';
import { type Extent, extentEnd, isHole } from '../extent/extent.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { signedOf, toWire, unsignedOf } from '../wire/long.ts';
import {
  type DeadLink,
  type ExtendedValue,
  type InodeState,
  type LogCount,
  type NameLink,
  nameKey,
  newState,
  REGISTERS,
  type Stamp,
} from './state.ts';

export const wireStamp = (stamp: Stamp): packetfs.Stamp.$Properties => ({
  clock: toWire(stamp.clock),
  log: stamp.log,
  sequence: toWire(stamp.sequence),
});

export const stampOf = (wire: packetfs.Stamp.$Properties): Stamp => ({
  clock: unsignedOf(wire.clock),
  log: logNumber(wire.log ?? 0),
  sequence: unsignedOf(wire.sequence),
});

export const wireLink = (link: NameLink): packetfs.NameLink.$Properties => ({
  parent: toWire(link.parent),
  name: link.name,
  ...(link.stamp === undefined ? {} : { stamp: wireStamp(link.stamp) }),
});

export const linkOf = (wire: packetfs.NameLink.$Properties): NameLink => ({
  parent: inodeNumber(unsignedOf(wire.parent)),
  name: wire.name ?? new Uint8Array(0),
  stamp: wire.stamp ? stampOf(wire.stamp) : undefined,
});

export const wireCount = (count: LogCount): packetfs.LogCount.$Properties => ({
  log: count.log,
  sequence: toWire(count.sequence),
});

export const countOf = (wire: packetfs.LogCount.$Properties): LogCount => ({
  log: logNumber(wire.log ?? 0),
  sequence: unsignedOf(wire.sequence),
});

export function wireExtents(extents: readonly Extent[]): packetfs.ExtentColumns.$Properties {
  let end = 0n;
  let addressEnd = 0n;
  const columns = {
    gap: [] as ReturnType<typeof toWire>[],
    length: [] as ReturnType<typeof toWire>[],
    addressDelta: [] as ReturnType<typeof toWire>[],
  };
  for (const extent of extents) {
    columns.gap.push(toWire(extent.offset - end));
    columns.length.push(toWire(extent.length));
    // Modulo 2^64, so that HOLE (2^64-1) fits into a signed delta as well.
    columns.addressDelta.push(toWire(BigInt.asIntN(64, extent.address - addressEnd)));
    end = extentEnd(extent);
    addressEnd = isHole(extent) ? HOLE : extent.address + extent.length;
  }
  return columns;
}

export function extentsOf(wire: packetfs.ExtentColumns.$Properties | null | undefined): Extent[] {
  if (!wire) return [];
  const { gap = [], length = [], addressDelta = [] } = wire;
  const extents: Extent[] = [];
  let end = 0n;
  let addressEnd = 0n;
  for (let index = 0; index < (gap?.length ?? 0); index++) {
    const offset = end + unsignedOf(gap?.[index]);
    const size = unsignedOf(length?.[index]);
    const address = blobAddress(BigInt.asUintN(64, addressEnd + signedOf(addressDelta?.[index])));
    extents.push({ offset, length: size, address });
    end = offset + size;
    addressEnd = address === HOLE ? HOLE : address + size;
  }
  return extents;
}

export function decodeInode(inode: bigint, bytes: Uint8Array): InodeState {
  const wire = packetfs.InodeRecord.decode(bytes);
  const links = wire.links.map(linkOf);
  const isDirectory = (wire.mode & 0o170000) === 0o040000;
  const state = newState({
    inode: inodeNumber(inode),
    mode: wire.mode,
    uid: wire.uid,
    gid: wire.gid,
    links: linkCount({
      isDirectory,
      isRoot: inode === 1n,
      links: distinctNames(links),
      subdirectories: wire.subdirectories,
    }),
    device: wire.device,
    size: unsignedOf(wire.size),
    allocatedBytes: unsignedOf(wire.allocatedBytes),
    accessed: nanoseconds(signedOf(wire.accessedNs)),
    modified: nanoseconds(signedOf(wire.modifiedNs)),
    changed: nanoseconds(signedOf(wire.changedNs)),
    target: wire.target.length > 0 ? wire.target : undefined,
    contentVersion: hybridTime(unsignedOf(wire.contentVersion)),
  });
  const stamps = wire.stamps.map(stampOf);
  state.replicated = stamps.length > 0;
  REGISTERS.forEach((register, index) => {
    state.stamps[register] = stamps[index] ?? stamps[0];
  });
  state.deadLinks = wire.deadLinks.map(deadLinkOf);
  state.edits = wire.edits.map(countOf);
  state.position = wire.position ? linkOf(wire.position) : undefined;
  // A directory that is shown is shown at its position, and the two are compared by identity.
  state.links = state.position !== undefined && links.length > 0 ? [state.position] : links;
  state.removed = wire.removed ? stampOf(wire.removed) : undefined;
  state.subdirectories = wire.subdirectories;
  state.namePages = wire.namePages;
  state.reaped = wire.reaped;
  state.hasExtended = wire.hasExtended;
  state.inlineExtents = extentsOf(wire.extents);
  state.hasPages = wire.hasPages;
  return state;
}

const deadLinkOf = (wire: packetfs.DeadLink.$Properties): DeadLink => ({
  link: linkOf(wire.link ?? {}),
  removals: (wire.removals ?? []).map(countOf),
});

/** Concurrent operations may have given one name more than one tag. */
function distinctNames(links: readonly NameLink[]): number {
  if (links.length <= 1) return links.length;
  return new Set(links.map(({ parent, name }) => `${parent}/${nameKey(name)}`)).size;
}

/** st_nlink: a directory has 2 and one for each subdirectory, while it has a name. */
export function linkCount(of: {
  isDirectory: boolean;
  isRoot: boolean;
  links: number;
  subdirectories: number;
}): number {
  if (!of.isDirectory) return of.links;
  return of.links > 0 || of.isRoot ? 2 + of.subdirectories : 0;
}

export function encodeExtended(values: ReadonlyMap<string, ExtendedValue>): Uint8Array {
  const list = [...values.values()];
  return packetfs.ExtendedRecord.encode({
    attributes: list.map(({ name, value }) => ({ name, value: value ?? null, removed: value === undefined })),
    stamps: list.map(({ stamp }) => (stamp === undefined ? {} : wireStamp(stamp))),
  }).finish();
}

export function decodeExtended(bytes: Uint8Array): Map<string, ExtendedValue> {
  const wire = packetfs.ExtendedRecord.decode(bytes);
  const values = new Map<string, ExtendedValue>();
  wire.attributes.forEach((attribute, index) => {
    const name = attribute.name ?? new Uint8Array(0);
    const stamp = stampOf(wire.stamps[index] ?? {});
    const value = attribute.removed ? undefined : (attribute.value ?? new Uint8Array(0));
    values.set(nameKey(name), { name, value, stamp: stamp.sequence === 0n ? undefined : stamp });
  });
  return values;
}

export interface PagedName {
  readonly name: Uint8Array;
  readonly inode: bigint;
  readonly type: number;
}

export function encodeNamePage(names: readonly PagedName[]): Uint8Array {
  return packetfs.NamePage.encode({
    name: names.map(({ name }) => name),
    inode: names.map(({ inode }) => toWire(inode)),
    type: names.map(({ type }) => type >> 12),
  }).finish();
}

export function decodeNamePage(bytes: Uint8Array): PagedName[] {
  const wire = packetfs.NamePage.decode(bytes);
  return wire.name.map((name, index) => ({
    name,
    inode: unsignedOf(wire.inode[index]),
    type: (wire.type[index] ?? 0) << 12,
  }));
}
