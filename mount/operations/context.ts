// What the operations get: the filesystem, and the state of the session that outlives one request.
import type { Logger } from '../../src/base/clock.ts';
import type { InodeNumber } from '../../src/base/units.ts';
import type { FileSystem } from '../../src/volume/volume.ts';
import type { InodeGrants } from '../inode-grants.ts';
import type { Reply, RequestCursor } from '../protocol.ts';
import type { Listing } from './listing.ts';
import type { Walkers } from './walkers.ts';

export interface OperationContext {
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /** Directory listings by file handle, as they were when reading started. */
  readonly listings: Map<bigint, Listing>;
  readonly walkers: Walkers;
  readonly grants: InodeGrants;
  /** The inode got a content version: attributes read before in this batch are stale. */
  noteVersion(inode: InodeNumber): void;
}

/**
 * Decodes one request, calls the filesystem, returns the answer. Everything is read from the cursor before the first
 * await: it moves on when the handler returns.
 */
export type Operation = (request: RequestCursor, context: OperationContext) => Reply | Promise<Reply>;
