// The operations of fuse-native, which speaks paths and one callback per request, over the FileSystem, which speaks
// inodes. Bytes go through the native content store. Whatever fails is answered with a negative errno, once.
import type { Operations, Stat, Statfs } from 'fuse-native';
import type { NativeContentStore } from '../src/addon/native.ts';
import type { Logger } from '../src/base/clock.ts';
import { PacketFsError } from '../src/base/errors.ts';
import { NAME_BYTES_MAX } from '../src/base/limits.ts';
import { type InodeNumber, nanoseconds, ROOT_INODE } from '../src/base/units.ts';
import type { AttributeChanges, Caller, FileSystem, InodeAttributes, NewNode } from '../src/volume/volume.ts';
import { EIO, errnoOf } from './errno.ts';
import { isStoredAttribute } from './operations/extended-attributes.ts';

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const BLOCK_BYTES = 4096;
const INODE_BITS_SHOWN = 32;
const PERMISSION_BITS = 0o7777;
const FILE_TYPE = 0o100000;
const DIRECTORY_TYPE = 0o040000;
const SYMLINK_MODE = 0o120777;
/** chown(2): leave as it is; -1 as fuse-native gives it. */
const ID_UNCHANGED = 0xffff_ffff;
const O_ACCMODE = 3;
const O_TRUNC = 0o1000;
const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

interface Parts {
  readonly fileSystem: FileSystem;
  readonly contents: NativeContentStore;
  readonly logger: Logger;
}

type Outcome<Value> = Value | Promise<Value>;

export class PathOperations {
  readonly #fileSystem: FileSystem;
  readonly #contents: NativeContentStore;
  readonly #logger: Logger;
  readonly #handles = new Map<number, { readonly inode: InodeNumber; readonly write: boolean }>();
  #nextHandle = 1;

  constructor({ fileSystem, contents, logger }: Parts) {
    this.#fileSystem = fileSystem;
    this.#contents = contents;
    this.#logger = logger;
  }

  table(): Operations {
    return { ...this.#metadataOperations(), ...this.#fileOperations(), ...this.#attributeOperations() };
  }

  /** Runs the operation, saves the journal, then answers: `done(0, value)` or `done(-errno)`. */
  #answer<Value>(run: () => Outcome<Value>, done: (errno: number, value?: Value) => void): void {
    this.#settle(
      run,
      (value) => done(0, value),
      (errno) => done(-errno),
    );
  }

  /** As `#answer` for calls whose first argument is a count. */
  #answerCount(run: () => Outcome<number>, done: (count: number) => void): void {
    this.#settle(run, done, (errno) => done(-errno));
  }

  #settle<Value>(run: () => Outcome<Value>, succeed: (value: Value) => void, fail: (errno: number) => void): void {
    const failWith = (error: unknown) => {
      const errno = errnoOf(error);
      if (errno === EIO) this.#logger.error({ error }, 'request failed');
      fail(errno);
    };
    const finish = (value: Value) => {
      try {
        this.#fileSystem.flushJournal();
      } catch (error) {
        failWith(error);
        return;
      }
      succeed(value);
    };
    try {
      const outcome = run();
      if (outcome instanceof Promise) outcome.then(finish, failWith);
      else finish(outcome);
    } catch (error) {
      failWith(error);
    }
  }

  #metadataOperations() {
    const fileSystem = this.#fileSystem;
    return {
      getattr: (path, done) => this.#answer(() => statOf(this.#resolve(path)), done),
      fgetattr: (_path, handle, done) =>
        this.#answer(() => statOf(fileSystem.getAttributes(this.#inodeOf(handle))), done),
      statfs: (_path, done) => this.#answer(() => statfsOf(fileSystem), done),
      readdir: (path, done) => this.#answer(() => this.#list(this.#resolve(path).inode), done),
      readlink: (path, done) => this.#answer(() => textOf(fileSystem.readLink(this.#resolve(path).inode)), done),
      mkdir: (path, mode, done) => this.#answer(() => this.#make(path, { mode: DIRECTORY_TYPE | mode }), done),
      mknod: (path, mode, device, done) => this.#answer(() => this.#make(path, { mode, device }), done),
      symlink: (target, path, done) =>
        this.#answer(() => this.#make(path, { mode: SYMLINK_MODE, target: bytesOf(target) }), done),
      link: (path, newPath, done) => this.#answer(() => this.#link(path, newPath), done),
      unlink: (path, done) => this.#answer(() => this.#inParent(path, (at, name) => fileSystem.unlink(at, name)), done),
      rmdir: (path, done) =>
        this.#answer(() => this.#inParent(path, (at, name) => fileSystem.removeDirectory(at, name)), done),
      rename: (path, newPath, done) => this.#answer(() => this.#rename(path, newPath), done),
    } satisfies Partial<Operations>;
  }

  #fileOperations() {
    const fileSystem = this.#fileSystem;
    const contents = this.#contents;
    return {
      open: (path, flags, done) => this.#answer(() => this.#open(this.#resolve(path).inode, flags), done),
      create: (path, mode, done) =>
        this.#answer(() => this.#open(this.#make(path, { mode: FILE_TYPE | mode }).inode, O_ACCMODE - 1), done),
      read: (...[, handle, target, size, offset, done]) =>
        this.#answerCount(async () => {
          const bytes = await contents.read(this.#inodeOf(handle), BigInt(offset), size);
          target.set(bytes);
          return bytes.length;
        }, done),
      write: (...[, handle, bytes, size, offset, done]) =>
        this.#answerCount(async () => {
          await contents.write(this.#inodeOf(handle), BigInt(offset), bytes);
          return size;
        }, done),
      truncate: (path, size, done) => this.#answer(() => this.#change(path, { size: BigInt(size) }), done),
      ftruncate: (_path, handle, size, done) =>
        this.#answer(() => fileSystem.setAttributes(this.#inodeOf(handle), { size: BigInt(size) }), done),
      flush: (_path, handle, done) =>
        this.#answer(async () => {
          const inode = this.#inodeOf(handle);
          await contents.ingest(inode);
          fileSystem.flush(inode);
        }, done),
      release: (_path, handle, done) => this.#answer(() => this.#release(handle), done),
      fsync: (_path, _dataOnly, handle, done) => this.#answer(() => fileSystem.fsync(this.#inodeOf(handle)), done),
      fsyncdir: (path, _dataOnly, _handle, done) =>
        this.#answer(() => fileSystem.fsync(this.#resolve(path).inode), done),
    } satisfies Partial<Operations>;
  }

  #attributeOperations() {
    const fileSystem = this.#fileSystem;
    return {
      chmod: (path, mode, done) => this.#answer(() => this.#change(path, { mode: mode & PERMISSION_BITS }), done),
      chown: (path, uid, gid, done) =>
        this.#answer(
          () =>
            this.#change(path, {
              ...(uid === ID_UNCHANGED ? {} : { uid }),
              ...(gid === ID_UNCHANGED ? {} : { gid }),
            }),
          done,
        ),
      utimens: (path, accessedMs, modifiedMs, done) =>
        this.#answer(() => this.#change(path, { accessed: timeOf(accessedMs), modified: timeOf(modifiedMs) }), done),
      setxattr: (...[path, name, value, , flags, done]) =>
        this.#answer(() => {
          const attribute = bytesOf(name);
          if (!isStoredAttribute(attribute)) {
            throw new PacketFsError('PFS_NOT_SUPPORTED', 'Attributes of this namespace are not stored');
          }
          // The memory goes back to the FUSE thread with the answer: keep a copy.
          const kept = Uint8Array.from(value);
          fileSystem.setExtendedAttribute(this.#resolve(path).inode, attribute, kept, setMode(flags));
        }, done),
      getxattr: (path, name, _position, done) =>
        this.#answer(
          () => Buffer.from(fileSystem.getExtendedAttribute(this.#resolve(path).inode, bytesOf(name))),
          done,
        ),
      listxattr: (path, done) =>
        this.#answer(() => fileSystem.listExtendedAttributes(this.#resolve(path).inode).map(textOf), done),
      removexattr: (path, name, done) =>
        this.#answer(() => fileSystem.removeExtendedAttribute(this.#resolve(path).inode, bytesOf(name)), done),
    } satisfies Partial<Operations>;
  }

  /** Lookups are given back at once: what has a name or an open handle stays. */
  #resolve(path: string): InodeAttributes {
    let found: InodeAttributes = this.#fileSystem.getAttributes(ROOT_INODE);
    for (const name of path.split('/')) {
      if (name === '') continue;
      found = this.#fileSystem.lookup(found.inode, checkedName(name));
      this.#fileSystem.forget(found.inode, 1);
    }
    return found;
  }

  #inParent<Value>(path: string, act: (parent: InodeNumber, name: Uint8Array) => Value): Value {
    const slash = path.lastIndexOf('/');
    return act(this.#resolve(path.slice(0, slash)).inode, checkedName(path.slice(slash + 1)));
  }

  #make(path: string, node: Omit<NewNode, 'parent' | 'name' | 'caller'>): InodeAttributes {
    const made = this.#inParent(path, (parent, name) =>
      this.#fileSystem.createNode({ ...node, parent, name, caller: CALLER }),
    );
    this.#fileSystem.forget(made.inode, 1);
    return made;
  }

  #link(path: string, newPath: string): void {
    const { inode } = this.#resolve(path);
    this.#inParent(newPath, (parent, name) => this.#fileSystem.link(inode, parent, name));
    this.#fileSystem.forget(inode, 1);
  }

  #rename(path: string, newPath: string): ReturnType<FileSystem['rename']> {
    return this.#inParent(path, (parent, name) =>
      this.#inParent(newPath, (newParent, newName) =>
        this.#fileSystem.rename({ parent, name, newParent, newName, flags: 'replace' }),
      ),
    );
  }

  #change(path: string, changes: AttributeChanges): Outcome<InodeAttributes> {
    return this.#fileSystem.setAttributes(this.#resolve(path).inode, changes);
  }

  #list(directory: InodeNumber): string[] {
    return ['.', '..', ...Array.from(this.#fileSystem.readDirectory(directory), ({ name }) => textOf(name))];
  }

  async #open(inode: InodeNumber, flags: number): Promise<number> {
    const write = (flags & O_ACCMODE) !== 0;
    await this.#fileSystem.open(inode, { write, truncate: (flags & O_TRUNC) !== 0 });
    const handle = this.#nextHandle++;
    this.#handles.set(handle, { inode, write });
    return handle;
  }

  async #release(handle: number): Promise<void> {
    const { inode, write } = this.#opened(handle);
    this.#handles.delete(handle);
    try {
      await this.#contents.ingest(inode);
    } catch (error) {
      this.#logger.error({ inode, error }, 'bytes written after the last close could not be stored');
    }
    this.#fileSystem.release(inode, { write });
  }

  #inodeOf(handle: number): InodeNumber {
    return this.#opened(handle).inode;
  }

  #opened(handle: number): { readonly inode: InodeNumber; readonly write: boolean } {
    const opened = this.#handles.get(handle);
    if (opened === undefined) throw new PacketFsError('PFS_STALE', 'the file handle is not open');
    return opened;
  }
}

/** fuse-native does not say who asks. */
const CALLER: Caller = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, pid: 0 };

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const timeOf = (timeMs: number) => nanoseconds(BigInt(Math.trunc(timeMs)) * NANOSECONDS_PER_MILLISECOND);
const millisecondsOf = (time: bigint): number => Math.max(0, Number(time / NANOSECONDS_PER_MILLISECOND));

function checkedName(text: string): Uint8Array {
  const name = bytesOf(text);
  if (name.length > NAME_BYTES_MAX) throw new PacketFsError('PFS_NAME_TOO_LONG', 'a name is longer than 255 bytes');
  return name;
}

function setMode(flags: number): 'any' | 'create' | 'replace' {
  if ((flags & XATTR_CREATE) !== 0) return 'create';
  return (flags & XATTR_REPLACE) !== 0 ? 'replace' : 'any';
}

function statOf(attributes: InodeAttributes): Stat {
  return {
    mode: attributes.mode,
    uid: attributes.uid,
    gid: attributes.gid,
    size: Number(attributes.size),
    nlink: attributes.links,
    ino: Number(BigInt.asUintN(INODE_BITS_SHOWN, attributes.inode)),
    rdev: attributes.device,
    blksize: BLOCK_BYTES,
    blocks: Number(attributes.blocks),
    atime: millisecondsOf(attributes.accessed),
    mtime: millisecondsOf(attributes.modified),
    ctime: millisecondsOf(attributes.changed),
  };
}

function statfsOf(fileSystem: FileSystem): Statfs {
  const statistics = fileSystem.statistics();
  return {
    bsize: statistics.blockSize,
    frsize: statistics.blockSize,
    blocks: Number(statistics.blocks),
    bfree: Number(statistics.blocksFree),
    bavail: Number(statistics.blocksAvailable),
    files: Number(statistics.files),
    ffree: Number(statistics.filesFree),
    favail: Number(statistics.filesFree),
    namemax: NAME_BYTES_MAX,
  };
}
