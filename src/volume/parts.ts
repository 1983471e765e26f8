// What the jobs of a volume (files, directories, replica, scrub) work on together. Made once by open-volume.ts.
import type { NativeBlob, NativeContentStore } from '../addon/native.ts';
import type { Clock, Logger } from '../base/clock.ts';
import type { LogStore } from '../blob/log-store.ts';
import type { Namespace } from '../namespace/types.ts';
import type { Committer } from './committer.ts';
import type { FormerNames } from './former-names.ts';
import type { Invalidations } from './invalidations.ts';
import type { ReadOnlyLatch } from './latch.ts';
import type { Posts } from './posts.ts';

export interface VolumeParts {
  readonly namespace: Namespace;
  readonly blob: NativeBlob;
  readonly logs: LogStore;
  readonly contents: NativeContentStore;
  readonly committer: Committer;
  readonly latch: ReadOnlyLatch;
  readonly invalidations: Invalidations;
  readonly formerNames: FormerNames;
  readonly posts: Posts;
  readonly clock: Clock;
  readonly logger: Logger;
}
