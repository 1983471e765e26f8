// Mutations <-> journal records (packetfs.Mutation). The journal's file around them keeps checksums; a record that does
// not decode is PFS_CORRUPT.
import { PacketFsError } from '../base/errors.ts';
import { blobAddress, hybridTime, inodeNumber, logNumber, nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { signedOf, toWire, unsignedOf } from '../wire/long.ts';
import { decoded } from './change.ts';
import type { AttributesMutation, ContentMutation, Mutation, NameMutation, TimedMutation } from './mutation-types.ts';
import { extentsOf, wireExtents } from './records.ts';
import type { JournalRecord, RenameOptions } from './types.ts';

const RENAME_FLAGS: readonly RenameOptions['flags'][] = ['replace', 'noreplace', 'exchange'];
const EMPTY = new Uint8Array(0);

export function encodeMutation({ now, mutation }: TimedMutation): JournalRecord {
  return packetfs.Mutation.encode({ nowNs: toWire(now), ...wireMutation(mutation) }).finish();
}

function wireMutation(mutation: Mutation): packetfs.Mutation.$Properties {
  switch (mutation.kind) {
    case 'create': {
      const { mode, uid, gid, device, name } = mutation;
      const ids = { inode: toWire(mutation.inode), parent: toWire(mutation.parent) };
      return { create: { ...ids, name: name ?? null, mode, uid, gid, device, target: mutation.target ?? null } };
    }
    case 'link':
      return { link: wireName(mutation) };
    case 'unlink':
      return { unlink: wireName(mutation) };
    case 'remove-directory':
      return { removeDirectory: wireName(mutation) };
    case 'rename': {
      const { name, newName } = mutation;
      const ids = { parent: toWire(mutation.parent), newParent: toWire(mutation.newParent) };
      return { rename: { ...ids, name, newName, flags: RENAME_FLAGS.indexOf(mutation.flags) } };
    }
    case 'attributes':
      return { attributes: wireAttributes(mutation) };
    case 'content':
      return { content: wireContent(mutation) };
    case 'extended': {
      const { name, value } = mutation;
      return { extended: { inode: toWire(mutation.inode), name, value: value ?? null, removed: value === undefined } };
    }
    case 'reap':
      return { reap: toWire(mutation.inode) };
    case 'applied':
      return { applied: mutation.bytes };
    case 'log':
      return { log: { name: { node: mutation.name.node, epoch: mutation.name.epoch }, number: mutation.number } };
  }
}

const wireName = (mutation: NameMutation): packetfs.MutationName.$Properties => ({
  inode: toWire(mutation.inode),
  parent: toWire(mutation.parent),
  name: mutation.name,
});

function wireAttributes({ inode, groups }: AttributesMutation): packetfs.MutationAttributes.$Properties {
  const { mode, uid, gid, accessed, modified } = groups;
  return {
    inode: toWire(inode),
    mode: mode ?? null,
    uid: uid ?? null,
    gid: gid ?? null,
    accessedNs: accessed === undefined ? null : toWire(accessed),
    modifiedNs: modified === undefined ? null : toWire(modified),
  };
}

function wireContent({ inode, change, version }: ContentMutation): packetfs.MutationContent.$Properties {
  const { size, modified, replaced, extents } = change;
  return {
    inode: toWire(inode),
    size: toWire(size),
    modifiedNs: modified === undefined ? null : toWire(modified),
    replaced: wireExtents(replaced.map(({ offset, length }) => ({ offset, length, address: blobAddress(0n) }))),
    extents: wireExtents(extents),
    version: toWire(version),
  };
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
