// The part of fuse-native 2.2.6 that fuse-native-session.ts uses; the package ships no types. Errors are negative errno
// numbers; where a call gives bytes, their count is the first argument of its callback.
declare module 'fuse-native' {
  type Done = (errno: number) => void;

  export interface Stat {
    mode: number;
    uid: number;
    gid: number;
    size: number;
    nlink: number;
    ino: number;
    rdev: number;
    blksize: number;
    blocks: number;
    atime: number;
    mtime: number;
    ctime: number;
  }

  export interface Statfs {
    bsize: number;
    frsize: number;
    blocks: number;
    bfree: number;
    bavail: number;
    files: number;
    ffree: number;
    favail: number;
    namemax: number;
  }

  export interface Operations {
    getattr(path: string, done: (errno: number, stat?: Stat) => void): void;
    fgetattr(path: string, handle: number, done: (errno: number, stat?: Stat) => void): void;
    statfs(path: string, done: (errno: number, statfs?: Statfs) => void): void;
    readdir(path: string, done: (errno: number, names?: string[]) => void): void;
    readlink(path: string, done: (errno: number, target?: string) => void): void;
    mkdir(path: string, mode: number, done: Done): void;
    mknod(path: string, mode: number, device: number, done: Done): void;
    symlink(target: string, path: string, done: Done): void;
    link(path: string, newPath: string, done: Done): void;
    unlink(path: string, done: Done): void;
    rmdir(path: string, done: Done): void;
    rename(path: string, newPath: string, done: Done): void;
    chmod(path: string, mode: number, done: Done): void;
    chown(path: string, uid: number, gid: number, done: Done): void;
    utimens(path: string, accessedMs: number, modifiedMs: number, done: Done): void;
    truncate(path: string, size: number, done: Done): void;
    ftruncate(path: string, handle: number, size: number, done: Done): void;
    open(path: string, flags: number, done: (errno: number, handle?: number) => void): void;
    create(path: string, mode: number, done: (errno: number, handle?: number) => void): void;
    read(
      path: string,
      handle: number,
      target: Buffer,
      size: number,
      offset: number,
      done: (count: number) => void,
    ): void;
    write(
      path: string,
      handle: number,
      bytes: Buffer,
      size: number,
      offset: number,
      done: (count: number) => void,
    ): void;
    flush(path: string, handle: number, done: Done): void;
    release(path: string, handle: number, done: Done): void;
    fsync(path: string, dataOnly: number, handle: number, done: Done): void;
    fsyncdir(path: string, dataOnly: number, handle: number, done: Done): void;
    setxattr(path: string, name: string, value: Buffer, position: number, flags: number, done: Done): void;
    getxattr(path: string, name: string, position: number, done: (errno: number, value?: Buffer) => void): void;
    listxattr(path: string, done: (errno: number, names?: string[]) => void): void;
    removexattr(path: string, name: string, done: Done): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package is a CommonJS module that is its class
  export default class Fuse {
    static unmount(mountPoint: string, done: (error: Error | null) => void): void;
    constructor(mountPoint: string, operations: Operations, options: { timeout: false });
    ops: Operations;
    mount(done: (error: Error | null | undefined) => void): void;
    unmount(done: (error: Error | null | undefined) => void): void;
    _fuseOptions(): string;
    _op_getxattr(
      signal: (result: number, memory: ArrayBufferLike) => void,
      path: string,
      name: string,
      target: Buffer,
      position: number,
    ): void;
    _op_listxattr(signal: (result: number, memory: ArrayBufferLike) => void, path: string, target: Buffer): void;
  }
}
