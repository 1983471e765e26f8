// `pfs info PATH`: what the namespace and the blob know about one file.
import { PacketFsError } from '../base/errors.ts';
import { addressLog, type HybridTime, type InodeNumber, ROOT_INODE } from '../base/units.ts';
import { logNameText } from '../blob/log-name.ts';
import { isHole } from '../extent/extent.ts';
import type { InodeRecord, Namespace } from '../namespace/types.ts';
import { kindOfMode } from './modes.ts';
import type { VolumeParts } from './parts.ts';
import type { InodeKind } from './volume.ts';

export interface PathInfo {
  readonly inode: InodeNumber;
  readonly kind: InodeKind;
  readonly size: bigint;
  /** Bytes of the file that are not holes. */
  readonly allocatedBytes: bigint;
  /** Of these, bytes at different addresses: what the file alone takes in the blob. */
  readonly uniqueBytes: bigint;
  readonly extents: number;
  /** `<hex of node>-<epoch>` of every log that holds bytes of the file. */
  readonly logs: readonly string[];
  readonly contentVersion: HybridTime;
  readonly links: number;
}

/** `path` is relative to the root of the volume; PFS_NO_ENTRY when there is nothing. */
export function infoOfPath(parts: VolumeParts, path: string): PathInfo {
  const record = resolve(parts.namespace, path);
  const stored = parts.namespace.extents(record.inode).filter((extent) => !isHole(extent));
  const logs = new Set(stored.map((extent) => addressLog(extent.address)));
  const kind = kindOfMode(record.mode);
  if (kind === undefined) throw new PacketFsError('PFS_CORRUPT', 'the inode has no type; run `pfs scrub start`');
  return {
    inode: record.inode,
    kind,
    size: record.size,
    allocatedBytes: record.allocatedBytes,
    uniqueBytes: bytesCovered(stored.map(({ address, length }) => ({ start: address, end: address + length }))),
    extents: stored.length,
    logs: [...logs].flatMap((number) => {
      const log = parts.logs.byNumber(number);
      return log === undefined ? [] : [logNameText(log)];
    }),
    contentVersion: record.contentVersion,
    links: record.links,
  };
}

function resolve(namespace: Namespace, path: string): InodeRecord {
  let record = namespace.inode(ROOT_INODE);
  for (const component of path.split('/')) {
    if (component === '' || component === '.') continue;
    if (record === undefined) break;
    const inode: InodeNumber = record.inode;
    record =
      component === '..'
        ? namespace.inode(namespace.parentOf(inode))
        : namespace.lookup(inode, Buffer.from(component, 'utf8'));
  }
  if (record === undefined) throw new PacketFsError('PFS_NO_ENTRY', `there is no ${path} in the volume`);
  return record;
}

function bytesCovered(ranges: { readonly start: bigint; readonly end: bigint }[]): bigint {
  let covered = 0n;
  let end = 0n;
  for (const range of ranges.sort((left, right) => (left.start < right.start ? -1 : 1))) {
    const start = range.start > end ? range.start : end;
    if (range.end > start) covered += range.end - start;
    if (range.end > end) end = range.end;
  }
  return covered;
}
