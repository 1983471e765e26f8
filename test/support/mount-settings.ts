// How tests mount a session in a process of their own.
import type { SessionSettings } from '../../mount/session.ts';

/** As `pfs-mount` by root does it, with a few threads. */
export const settingsFor = (mountPoint: string, sourceName: string): SessionSettings => ({
  mountPoint,
  sourceName,
  kernelFlags: ['suid', 'dev'],
  readOnly: false,
  allowOther: true,
  attributeTimeoutMs: 3_600_000,
  entryTimeoutMs: 3_600_000,
  threads: 4,
});
