// Reading directories: offset 0 takes a listing (listing.ts), kept by file handle.
import { isPacketFsError } from '../../src/base/errors.ts';
import { type InodeNumber, inodeNumber } from '../../src/base/units.ts';
import type { DirectoryEntry, InodeAttributes } from '../../src/volume/volume.ts';
import {
  alignRecord,
  DONE,
  type ListedEntry,
  READ_IS_KEPT,
  READ_WITH_ATTRIBUTES,
  type Reply,
  type RequestCursor,
} from '../protocol.ts';
import type { OperationContext } from './context.ts';
import { Listing, type ListingOrder, orderOfOffset } from './listing.ts';

/** The kernel's struct fuse_dirent and fuse_direntplus before the name. */
const DIRENT_BYTES = 24;
const DIRENT_PLUS_BYTES = 152;

export function readDirectory(request: RequestCursor, context: OperationContext): Reply {
  const directory = inodeNumber(request.inode);
  const handle = request.u64(40);
  const offset = Number(request.u64(48));
  const sizeLimit = request.u32(56);
  const flags = request.u32(60);
  const withAttributes = (flags & READ_WITH_ATTRIBUTES) !== 0;
  const isFirst = offset === 0;
  const wantsAttributes = withAttributes && (isFirst || context.walkers.isWalker(request.pid));
  const order = (flags & READ_IS_KEPT) !== 0 ? 'hash' : orderOfOffset(offset);
  const listing = listingOf(context, { directory, handle, offset, order });
  context.walkers.noteListing(directory);

  const entries: ListedEntry[] = [];
  let used = 0;
  for (let index = listing.indexFrom(offset); ; index++) {
    const listed = listing.at(index);
    if (listed === undefined) break;
    const bytes = alignRecord((withAttributes ? DIRENT_PLUS_BYTES : DIRENT_BYTES) + listed.name.length);
    if (used + bytes > sizeLimit) break;
    const isWanted = wantsAttributes && !listing.isDots(index) && (isFirst || !context.fileSystem.isHeld(listed.inode));
    const attributes = isWanted ? lookupListed(context, directory, listed) : undefined;
    if (attributes === 'gone') continue;
    used += bytes;
    const nextOffset = listing.offsetAfter(index);
    entries.push({ name: listed.name, inode: listed.inode, mode: listed.mode, nextOffset, attributes });
  }
  return { kind: 'directory', entries, smallBytes: isFirst ? listing.smallBytes : 0 };
}

/** Needs no answer. */
export function releaseDirectory(request: RequestCursor, context: OperationContext): Reply {
  context.listings.delete(request.u64(40));
  return DONE;
}

/** A small one in the order of hashes is made anew each time: the kernel may have rewound without asking us. */
function listingOf(
  { fileSystem, listings }: OperationContext,
  reading: { directory: InodeNumber; handle: bigint; offset: number; order: ListingOrder },
): Listing {
  const { directory, handle, offset, order } = reading;
  const kept = listings.get(handle);
  if (offset > 0 && kept !== undefined) return kept;
  const names = fileSystem.readDirectory(directory);
  const listing = new Listing(directory, fileSystem.parentOf(directory), { names, order });
  if (order === 'index' || listing.smallBytes === 0) listings.set(handle, listing);
  return listing;
}

/** With a lookup counted, as the kernel counts it when it gets the entry. */
function lookupListed(
  { fileSystem }: OperationContext,
  directory: InodeNumber,
  listed: DirectoryEntry,
): InodeAttributes | 'gone' {
  try {
    return fileSystem.lookup(directory, listed.name);
  } catch (error) {
    if (isPacketFsError(error, 'PFS_NO_ENTRY')) return 'gone';
    throw error;
  }
}
