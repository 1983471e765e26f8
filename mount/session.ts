// A mounted filesystem, whatever library speaks to the kernel: native-session.ts (libfuse3, the default) and
// fuse-native-session.ts (limits in expected-differences.ts) behind one interface.
import type { NativeContentStore } from '../src/addon/native.ts';
import type { Logger } from '../src/base/clock.ts';
import type { FileSystem } from '../src/volume/volume.ts';

export type FuseBackend = 'libfuse3' | 'fuse-native';

export interface SessionSettings {
  /** Absolute and free of symbolic links, as /proc/self/mountinfo names it. */
  readonly mountPoint: string;
  /** What `mount` shows as the source; equal to fstab's first field. */
  readonly sourceName: string;
  /** Flags of the kernel's VFS, `noatime`, `nosuid`, as the FUSE library takes them. */
  readonly kernelFlags: readonly string[];
  readonly readOnly: boolean;
  readonly allowOther: boolean;
  readonly attributeTimeoutMs: number;
  readonly entryTimeoutMs: number;
  readonly threads: number;
}

export interface SessionEnd {
  /** 0 when somebody unmounted or `stop` did. */
  readonly errno: number;
}

export interface FuseSession {
  readonly backend: FuseBackend;
  /** Mounts and serves; resolves when the mount is listed. Rejects with PFS_MOUNT. */
  start(fileSystem: FileSystem): Promise<void>;
  /** Settles when the session has ended: stopped, unmounted by somebody, or its connection aborted. */
  readonly ended: Promise<SessionEnd>;
  /**
   * Unmounts and waits for the end; idempotent. `force` lets go of a mount that is in use, whose users then get
   * errors; without it, PFS_MOUNT with errno EBUSY in the facts, and nothing has changed.
   */
  stop(options: { readonly force: boolean }): Promise<void>;
  counters(): Readonly<Record<string, number>>;
}

export interface SessionParts {
  readonly settings: SessionSettings;
  readonly contents: NativeContentStore;
  readonly logger: Logger;
}
