// Mutations <-> journal records (packetfs.Mutation). The journal's file around them keeps checksums; a record that does
// not decode is PFS_CORRUPT.
import { PacketFsError } from '../base/errors.ts';
import { blobAddress, hybridTime, inodeNumber, logNumber, nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { signedOf, unsignedOf } from '../wire/long.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { decoded } from './change.ts';
import type {
  AttributesMutation,
  ContentMutation,
  CreateMutation,
  Mutation,
  NameMutation,
  TimedMutation,
} from './mutation-types.ts';
import { writeExtents } from './record-writers.ts';
import { extentsOf } from './records.ts';
import type { JournalRecord, RenameOptions } from './types.ts';

/** Fields of packetfs.Mutation. */
const FIELDS = {
  create: 2,
  link: 3,
  unlink: 4,
  'remove-directory': 5,
  rename: 6,
  attributes: 7,
  content: 8,
  extended: 9,
  log: 12,
} as const;
const RENAME_FLAGS: readonly RenameOptions['flags'][] = ['replace', 'noreplace', 'exchange'];
const EMPTY = new Uint8Array(0);

const writer = new MessageWriter();

export function encodeMutation({ now, mutation }: TimedMutation): JournalRecord {
  writer.fixed64(1, now);
  writeMutation(mutation);
  return writer.finish();
}

function writeMutation(mutation: Mutation): void {
  switch (mutation.kind) {
    case 'reap':
      writer.optionalFixed64(10, mutation.inode);
      return;
    case 'applied':
      writer.element(11, mutation.bytes);
      return;
    default: {
      const start = writer.begin(FIELDS[mutation.kind]);
      writeFields(mutation);
      writer.end(start);
    }
  }
}

function writeFields(mutation: Exclude<Mutation, { kind: 'reap' | 'applied' }>): void {
  switch (mutation.kind) {
    case 'create':
      writeCreate(mutation);
      return;
    case 'link':
    case 'unlink':
    case 'remove-directory':
      writer.fixed64(1, mutation.inode);
      writer.fixed64(2, mutation.parent);
      writer.bytes(3, mutation.name);
      return;
    case 'rename':
      writer.fixed64(1, mutation.parent);
      writer.bytes(2, mutation.name);
      writer.fixed64(3, mutation.newParent);
      writer.bytes(4, mutation.newName);
      writer.uint32(5, RENAME_FLAGS.indexOf(mutation.flags));
      return;
    case 'attributes':
      writeAttributes(mutation);
      return;
    case 'content':
      writeContent(mutation);
      return;
    case 'extended':
      writer.fixed64(1, mutation.inode);
      writer.bytes(2, mutation.name);
      writer.bytes(3, mutation.value);
      writer.bool(4, mutation.value === undefined);
      return;
    case 'log': {
      const start = writer.begin(1);
      writer.bytes(1, mutation.name.node);
      writer.uint32(2, mutation.name.epoch);
      writer.end(start);
      writer.uint32(2, mutation.number);
    }
  }
}

function writeCreate({ inode, parent, name, mode, uid, gid, device, target }: CreateMutation): void {
  writer.fixed64(1, inode);
  writer.fixed64(2, parent);
  writer.bytes(3, name);
  writer.uint32(4, mode);
  writer.uint32(5, uid);
  writer.uint32(6, gid);
  writer.uint32(7, device);
  writer.bytes(8, target);
}

function writeAttributes({ inode, groups }: AttributesMutation): void {
  const { mode, uid, gid, accessed, modified } = groups;
  writer.fixed64(1, inode);
  writer.optionalUint32(2, mode);
  writer.optionalUint32(3, uid);
  writer.optionalUint32(4, gid);
  writer.optionalFixed64(5, accessed);
  writer.optionalFixed64(6, modified);
}

function writeContent({ inode, change, version }: ContentMutation): void {
  const { size, modified, replaced, extents } = change;
  writer.fixed64(1, inode);
  writer.uint64(2, size);
  writer.optionalFixed64(3, modified);
  writeExtents(
    writer,
    4,
    replaced.map(({ offset, length }) => ({ offset, length, address: blobAddress(0n) })),
  );
  writeExtents(writer, 5, extents);
  writer.fixed64(6, version);
}

export function decodeMutation(record: JournalRecord): TimedMutation {
  const wire = decoded(() => packetfs.Mutation.decode(record));
  return { now: nanoseconds(signedOf(wire.nowNs)), mutation: mutationOf(wire) };
}

/** Undefined for a record that is no content mutation. */
export function extentsOfMutation(record: JournalRecord): readonly Extent[] {
  const { mutation } = decodeMutation(record);
  return mutation.kind === 'content' ? mutation.change.extents : [];
}

function mutationOf(wire: packetfs.Mutation): Mutation {
  if (wire.create) {
    const { inode, parent, name, mode, uid, gid, device, target } = wire.create;
    return {
      kind: 'create',
      inode: inodeNumber(unsignedOf(inode)),
      parent: inodeNumber(unsignedOf(parent)),
      name: name?.length ? name : undefined,
      mode: mode ?? 0,
      uid: uid ?? 0,
      gid: gid ?? 0,
      device: device ?? 0,
      target: target?.length ? target : undefined,
    };
  }
  if (wire.link) return nameOf('link', wire.link);
  if (wire.unlink) return nameOf('unlink', wire.unlink);
  if (wire.removeDirectory) return nameOf('remove-directory', wire.removeDirectory);
  if (wire.rename) {
    return {
      kind: 'rename',
      parent: inodeNumber(unsignedOf(wire.rename.parent)),
      name: wire.rename.name ?? EMPTY,
      newParent: inodeNumber(unsignedOf(wire.rename.newParent)),
      newName: wire.rename.newName ?? EMPTY,
      flags: RENAME_FLAGS[wire.rename.flags ?? 0] ?? 'replace',
    };
  }
  if (wire.attributes) return attributesOf(wire.attributes);
  if (wire.content) return contentOf(wire.content);
  return otherOf(wire);
}

function otherOf(wire: packetfs.Mutation): Mutation {
  if (wire.extended) {
    const { inode, name, value, removed } = wire.extended;
    const kept = removed ? undefined : (value ?? EMPTY);
    return { kind: 'extended', inode: inodeNumber(unsignedOf(inode)), name: name ?? EMPTY, value: kept };
  }
  if (wire.kind === 'reap') return { kind: 'reap', inode: inodeNumber(unsignedOf(wire.reap)) };
  if (wire.applied) return { kind: 'applied', bytes: wire.applied };
  if (wire.log) {
    const name = { node: wire.log.name?.node ?? EMPTY, epoch: wire.log.name?.epoch ?? 0 };
    return { kind: 'log', name, number: logNumber(wire.log.number ?? 0) };
  }
  throw new PacketFsError('PFS_CORRUPT', 'A journal record is of no known kind');
}

const nameOf = (kind: NameMutation['kind'], wire: packetfs.MutationName.$Properties): NameMutation => ({
  kind,
  inode: inodeNumber(unsignedOf(wire.inode)),
  parent: inodeNumber(unsignedOf(wire.parent)),
  name: wire.name ?? EMPTY,
});

function attributesOf(wire: packetfs.MutationAttributes.$Properties): AttributesMutation {
  const { mode, uid, gid, accessedNs, modifiedNs } = wire;
  const groups = {
    ...(typeof mode === 'number' ? { mode } : {}),
    ...(typeof uid === 'number' ? { uid } : {}),
    ...(typeof gid === 'number' ? { gid } : {}),
    ...(accessedNs ? { accessed: nanoseconds(signedOf(accessedNs)) } : {}),
    ...(modifiedNs ? { modified: nanoseconds(signedOf(modifiedNs)) } : {}),
  };
  return { kind: 'attributes', inode: inodeNumber(unsignedOf(wire.inode)), groups };
}

function contentOf(wire: packetfs.MutationContent.$Properties): ContentMutation {
  const change = {
    size: unsignedOf(wire.size),
    modified: wire.modifiedNs ? nanoseconds(signedOf(wire.modifiedNs)) : undefined,
    replaced: extentsOf(wire.replaced).map(({ offset, length }) => ({ offset, length })),
    extents: extentsOf(wire.extents),
  };
  const version = hybridTime(unsignedOf(wire.version));
  return { kind: 'content', inode: inodeNumber(unsignedOf(wire.inode)), change, version };
}
