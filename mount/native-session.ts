// The libfuse3 session: mount options, the dispatcher, invalidations. The kernel may cache names, attributes and pages
// for as long as the timeouts say, because each remote change is told to it (onInvalidate).
import { writeFile } from 'node:fs/promises';
import type { NativeFuseSession, NativeModule } from '../src/addon/native.ts';
import { PacketFsError } from '../src/base/errors.ts';
import type { FileSystem, Invalidation } from '../src/volume/volume.ts';
import { Dispatcher } from './dispatcher.ts';
import { errnoOf } from './errno.ts';
import { findMount } from './mountinfo.ts';
import { RequestLoop } from './request-loop.ts';
import type { FuseSession, SessionEnd, SessionParts, SessionSettings } from './session.ts';

/** Sequential reads ahead of the reader: more leaves a core's cache before it is copied to the reader (docs/design/0068). */
const READ_AHEAD_KIB = 512;
const WHOLE_FILE_OFFSET = 0n;
const WHOLE_FILE_LENGTH = 0n;

export class NativeSession implements FuseSession {
  readonly backend = 'libfuse3';
  readonly ended: Promise<SessionEnd>;
  readonly #parts: SessionParts;
  readonly #session: NativeFuseSession;
  readonly #reportEnd: (end: SessionEnd) => void;
  #isStarted = false;

  constructor(native: Pick<NativeModule, 'createFuseSession'>, parts: SessionParts) {
    const { settings } = parts;
    this.#parts = parts;
    const options = {
      mountPoint: settings.mountPoint,
      mountOptions: libfuseOptions(settings),
      threads: settings.threads,
      attributeTimeoutMs: settings.attributeTimeoutMs,
      entryTimeoutMs: settings.entryTimeoutMs,
      readOnly: settings.readOnly,
    };
    this.#session = native.createFuseSession(options, parts.contents);
    const { promise, resolve } = withResolvers<SessionEnd>();
    this.ended = promise;
    this.#reportEnd = resolve;
  }

  async start(fileSystem: FileSystem): Promise<void> {
    const { logger, settings } = this.#parts;
    const session = this.#session;
    const dispatcher = new Dispatcher({
      fileSystem,
      logger,
      send: (replies) => session.reply(replies),
      grantInodes: (first, count) => session.grantInodes(first, count),
    });
    const loop = new RequestLoop({ session, dispatcher });
    const unsubscribe = this.#subscribe(fileSystem, loop);
    const onEnd = (errno: number) => {
      loop.end();
      unsubscribe();
      // Requests under way finish first: whoever waits for the end goes on to close what they use.
      dispatcher.idle().then(
        () => this.#reportEnd({ errno }),
        (error: unknown) => logger.error({ error }, 'requests under way did not finish'),
      );
    };
    try {
      session.start(() => loop.run(), onEnd);
    } catch (cause) {
      unsubscribe();
      const reason = cause instanceof Error ? cause.message : String(cause);
      const facts = { mountPoint: settings.mountPoint, errno: errnoOf(cause) };
      throw new PacketFsError('PFS_MOUNT', `Cannot mount on ${settings.mountPoint}: ${reason}.`, { cause, facts });
    }
    this.#isStarted = true;
    await this.#raiseReadAhead();
  }

  async stop(options: { readonly force: boolean }): Promise<void> {
    if (!this.#isStarted) return;
    try {
      this.#session.stop(options.force);
    } catch (cause) {
      const { mountPoint } = this.#parts.settings;
      const facts = { mountPoint, errno: errnoOf(cause) };
      throw new PacketFsError('PFS_MOUNT', `Cannot unmount ${mountPoint}: it is in use.`, { cause, facts });
    }
    await this.ended;
  }

  counters(): Readonly<Record<string, number>> {
    return this.#session.counters();
  }

  #subscribe(fileSystem: FileSystem, loop: RequestLoop): () => void {
    const session = this.#session;
    const ends = [
      fileSystem.onInvalidate({
        invalidate: (invalidation) => this.#invalidate(invalidation),
        queuedCount: () => session.counters()['invalidationsQueued'] ?? 0,
      }),
      fileSystem.onSuspendPosts({
        suspend: () => {
          const waiting = session.closePosts();
          try {
            loop.drain(waiting);
          } catch (error) {
            session.openPosts();
            throw error;
          }
        },
        resume: () => session.openPosts(),
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  #invalidate({ inodes, entries }: Invalidation): void {
    for (const inode of inodes) this.#session.invalidateInode(inode, WHOLE_FILE_OFFSET, WHOLE_FILE_LENGTH);
    for (const { parent, name } of entries) this.#session.invalidateEntry(parent, name);
  }

  /** Only root may; others keep the kernel's default, which is slower and as right. */
  async #raiseReadAhead(): Promise<void> {
    const entry = findMount(this.#parts.settings.mountPoint);
    if (entry === undefined) return; // unmounted meanwhile: the end is on its way
    try {
      await writeFile(`/sys/class/bdi/${entry.device}/read_ahead_kb`, String(READ_AHEAD_KIB));
    } catch (error) {
      this.#parts.logger.debug({ error }, 'the read-ahead stays as the kernel has it');
    }
  }
}

/** Options as fuse_session_new and fuse_session_mount take them; commas and backslashes in the source are escaped. */
export function libfuseOptions(settings: SessionSettings): string {
  const source = settings.sourceName.replaceAll(/[\\,]/g, (character) => `\\${character}`);
  const options = [`fsname=${source}`, 'subtype=pfs', 'default_permissions'];
  if (settings.allowOther) options.push('allow_other');
  return [...options, ...settings.kernelFlags].join(',');
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
