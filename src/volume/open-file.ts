// What is known of one file that the mount has open; its content is the content store's.
import type { InodeRecord } from '../namespace/types.ts';

export interface OpenFile {
  handles: number;
  /** Of these, the ones that can write. */
  writers: number;
  /** It was opened for writing, or truncated, since its content was loaded: only then can there be something to save. */
  mayBeDirty: boolean;
  /** Of one whose last name is gone, so that no version tells: when it was written, of what was taken. */
  modified: bigint | undefined;
  /** ContentPatch.overrides of the last patch that had a time of writing; -1: there was none. */
  overridesWhenWritten: number;
  /** Of a pinned node, as it was when it was current. */
  record: InodeRecord | undefined;
  /** Work that needs the content although no handle may be left. */
  users: number;
}

export const newlyOpened = (): OpenFile => ({
  handles: 0,
  writers: 0,
  mayBeDirty: false,
  modified: undefined,
  overridesWhenWritten: -1,
  record: undefined,
  users: 0,
});
