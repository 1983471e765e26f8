// Chooses the FUSE backend and fills in what the options leave open.
import { availableParallelism } from 'node:os';
import { native } from '../src/addon/addon.ts';
import type { NativeContentStore } from '../src/addon/native.ts';
import type { Logger } from '../src/base/clock.ts';
import { FuseNativeSession } from './fuse-native-session.ts';
import { NativeSession } from './native-session.ts';
import type { MountOptions } from './options.ts';
import type { FuseBackend, FuseSession, SessionSettings } from './session.ts';

/** The kernel may cache for long, because every remote change invalidates. */
const CACHE_TIMEOUT_MS = 3_600_000;
const THREADS_MIN = 4;
const THREADS_DEFAULT_MAX = 16;

export function createSession(request: {
  readonly backend: FuseBackend;
  readonly settings: SessionSettings;
  readonly contents: NativeContentStore;
  readonly logger: Logger;
}): FuseSession {
  const { backend, ...parts } = request;
  return backend === 'libfuse3' ? new NativeSession(native, parts) : new FuseNativeSession(parts);
}

export function settingsOf(mountPoint: string, options: MountOptions): SessionSettings {
  const isRoot = process.getuid?.() === 0;
  return {
    mountPoint,
    sourceName: options.sourceName ?? 'packetfs',
    // As other filesystems mount by default; FUSE would take set-user programs and devices away from root too.
    kernelFlags: [...(isRoot ? ['suid', 'dev'] : []), ...options.kernelFlags],
    readOnly: options.readOnly,
    allowOther: options.allowOther ?? isRoot,
    attributeTimeoutMs: options.attributeTimeoutMs ?? CACHE_TIMEOUT_MS,
    entryTimeoutMs: options.entryTimeoutMs ?? CACHE_TIMEOUT_MS,
    threads: options.threads ?? Math.min(THREADS_DEFAULT_MAX, Math.max(THREADS_MIN, availableParallelism())),
  };
}
