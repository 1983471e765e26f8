// The fuse-native backend behind the session interface. What it cannot do is listed in expected-differences.ts and said
// at mount. Pitfalls handled here: counts as first arguments, 4 KiB writes without big_writes, the 15 s timeout, reads
// past the end of a value, an unmount through a shell, an external unmount that is not reported.
import Fuse from 'fuse-native';
import { PacketFsError } from '../src/base/errors.ts';
import type { FileSystem } from '../src/volume/volume.ts';
import { ERANGE } from './errno.ts';
import { FUSE_NATIVE_DIFFERENCES } from './expected-differences.ts';
import { unmountPath } from './mount-point.ts';
import { findMount, waitForMount, waitForUnmount } from './mountinfo.ts';
import { joinNames } from './operations/extended-attributes.ts';
import { PathOperations } from './path-operations.ts';
import type { FuseSession, SessionEnd, SessionParts, SessionSettings } from './session.ts';

/** Through fuse-native the kernel cannot be told of remote changes, and libfuse takes the names of one file for several:
 * so nothing is cached but pages, and those are checked at open (auto_cache). */
const CACHE_TIMEOUT_S = 0;
const MOUNT_TIMEOUT_MS = 10_000;

export class FuseNativeSession implements FuseSession {
  readonly backend = 'fuse-native';
  readonly ended: Promise<SessionEnd>;
  readonly #parts: SessionParts;
  #reportEnd: (end: SessionEnd) => void = () => {};
  #fuse: Fuse | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#reportEnd = resolve;
    });
  }

  async start(fileSystem: FileSystem): Promise<void> {
    const { contents, logger, settings } = this.#parts;
    const differences = FUSE_NATIVE_DIFFERENCES.map(({ consequence }) => consequence);
    logger.warn({ backend: this.backend, differences }, 'this FUSE backend does not do all that libfuse3 does');
    const operations = new PathOperations({ fileSystem, contents, logger }).table();
    const fuse = new BoundedFuse(settings, operations);
    await mountFuse(fuse, settings.mountPoint);
    this.#fuse = fuse;
    const mounted = await waitForMount(() => findMount(settings.mountPoint), AbortSignal.timeout(MOUNT_TIMEOUT_MS));
    if (mounted === undefined) throw failure(settings.mountPoint, 'the mount did not appear');
    waitForUnmount(mounted.id, new AbortController().signal).then(
      () => this.#finish(fuse),
      (error: unknown) => logger.error({ error }, 'the mount is no longer watched'),
    );
  }

  async stop(options: { readonly force: boolean }): Promise<void> {
    if (this.#fuse === undefined) return;
    const { mountPoint } = this.#parts.settings;
    if (findMount(mountPoint) !== undefined) await unmountPath(mountPoint, { lazily: options.force });
    await this.ended;
  }

  counters(): Readonly<Record<string, number>> {
    return {};
  }

  /** Lets fuse-native close what it keeps for the mount; the mount itself is gone. */
  #finish(fuse: Fuse): void {
    fuse.unmount((error) => {
      if (error !== null && error !== undefined) this.#parts.logger.warn({ error }, 'fuse-native did not close');
      this.#reportEnd({ errno: 0 });
    });
  }
}

// The package unmounts through a shell when it closes; here that has happened before.
Fuse.unmount = (_mountPoint, done) => done(null);

class BoundedFuse extends Fuse {
  readonly #settings: SessionSettings;

  constructor(settings: SessionSettings, operations: ConstructorParameters<typeof Fuse>[1]) {
    super(settings.mountPoint, operations, { timeout: false });
    this.#settings = settings;
  }

  override _fuseOptions(): string {
    return `-o${libfuse2Options(this.#settings).join(',')}`;
  }

  /** A value that is longer than the caller's memory is ERANGE: the package would have libfuse read past its end. */
  override _op_getxattr(...[signal, path, name, target, position]: Parameters<Fuse['_op_getxattr']>): void {
    this.ops.getxattr(path, name, position, (errno, value) => {
      if (errno !== 0 || value === undefined) signal(errno, target.buffer);
      else if (target.length > 0 && value.length > target.length) signal(-ERANGE, target.buffer);
      else {
        value.copy(target);
        signal(value.length, target.buffer);
      }
    });
  }

  override _op_listxattr(...[signal, path, target]: Parameters<Fuse['_op_listxattr']>): void {
    this.ops.listxattr(path, (errno, names) => {
      const joined = joinNames((names ?? []).map((name) => Buffer.from(name, 'utf8')));
      if (errno !== 0) signal(errno, target.buffer);
      else if (target.length > 0 && joined.length > target.length) signal(-ERANGE, target.buffer);
      else {
        if (target.length > 0) target.set(joined);
        signal(joined.length, target.buffer);
      }
    });
  }
}

export function libfuse2Options(settings: SessionSettings): string[] {
  const source = settings.sourceName.replaceAll(/[\\,]/g, (character) => `\\${character}`);
  const kept = settings.kernelFlags.filter((flag) => !flag.endsWith('atime'));
  return [
    ...[`fsname=${source}`, 'subtype=pfs', 'default_permissions', 'big_writes', 'nonempty', 'auto_cache'],
    ...[`attr_timeout=${CACHE_TIMEOUT_S}`, `entry_timeout=${CACHE_TIMEOUT_S}`, 'negative_timeout=0'],
    ...(settings.allowOther ? ['allow_other'] : []),
    ...(settings.readOnly ? ['ro'] : []),
    ...kept,
  ];
}

function mountFuse(fuse: Fuse, mountPoint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fuse.mount((error) => {
      if (error === null || error === undefined) resolve();
      else reject(failure(mountPoint, error.message));
    });
  });
}

const failure = (mountPoint: string, reason: string): PacketFsError =>
  new PacketFsError('PFS_MOUNT', `Cannot mount on ${mountPoint} with fuse-native: ${reason}.`, {
    facts: { mountPoint },
  });
