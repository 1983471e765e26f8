// A volume with real Level, addon and disk for the tests of this folder: keys from a seed, a directory of its own, and
// what the mount would do (create, write, close) as single calls.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { suite, type uvu } from 'uvu';
import { native } from '../../../src/addon/addon.ts';
import type { NativeBlob, NativeModule } from '../../../src/addon/native.ts';
import { type Clock, silentLogger } from '../../../src/base/clock.ts';
import { type InodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import { systemClock } from '../../../src/daemon/system.ts';
import { openVolume, type Volume } from '../../../src/volume/open-volume.ts';
import type { Caller } from '../../../src/volume/volume.ts';

export const caller: Caller = { uid: 1000, gid: 1000, pid: 1 };
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const digest = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());

export const makeDirectory = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-volume-'));

/** The real addon, but the blob's sync goes through `sync`. */
export function withSync(sync: (blob: NativeBlob) => ReturnType<NativeBlob['sync']>): NativeModule {
  let real: NativeBlob | undefined;
  const openBlob: NativeModule['openBlob'] = (options) => {
    const blob = native.openBlob(options);
    real = blob;
    return new Proxy(blob, {
      get: (target, name) => {
        if (name === 'sync') return () => sync(target);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return new Proxy(native, {
    get: (target, name) => {
      if (name === 'openBlob') return openBlob;
      if (name === 'createContentStore') {
        return (_: NativeBlob, dirtyBytesMax: number) => {
          if (real === undefined) throw new Error('the blob is opened before the content store');
          return target.createContentStore(real, dirtyBytesMax);
        };
      }
      return Reflect.get(target, name);
    },
  });
}

/** A suite each of whose tests has two volumes that know nothing of each other yet. */
export function suiteOfTwoVolumes(name: string): uvu.Test<{ directories: string[]; a: Volume; b: Volume }> {
  const tests = suite<{ directories: string[]; a: Volume; b: Volume }>(name);
  tests.before.each(async (context) => {
    context.directories = [makeDirectory(), makeDirectory()];
    const [first = '', second = ''] = context.directories;
    context.a = await openTestVolume(first, { node: 'node a' });
    context.b = await openTestVolume(second, { node: 'node b' });
  });
  tests.after.each(({ directories }) => cleanUp(...directories));
  return tests;
}

const opened = new Set<Volume>();

/** After each test: closes what a failed one left open, then removes the directories. */
export async function cleanUp(...directories: readonly string[]): Promise<void> {
  for (const volume of opened) await volume.close().catch(() => undefined); // latched on purpose, or reported already
  opened.clear();
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
}

/** Volumes of tests share id and secret; nodes differ by name. */
export async function openTestVolume(
  directory: string,
  options: { node?: string; native?: NativeModule; clock?: Clock } = {},
): Promise<Volume> {
  const volume = await openVolume({
    stateDirectory: directory,
    volumeId: digest('volume').subarray(0, 16),
    volumeSecret: digest('secret'),
    node: digest(options.node ?? 'node a'),
    clock: options.clock ?? systemClock,
    logger: silentLogger,
    native: options.native ?? native,
  });
  opened.add(volume);
  return volume;
}

/** Bytes that do not repeat, the same for the same seed. */
export function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}

export function createFile(volume: Volume, name: string, parent: InodeNumber = ROOT_INODE): InodeNumber {
  return volume.fileSystem.createNode({ parent, name: bytesOf(name), mode: 0o100644, caller }).inode;
}

export function createDirectory(volume: Volume, name: string, mode = 0o040755): InodeNumber {
  return volume.fileSystem.createNode({ parent: ROOT_INODE, name: bytesOf(name), mode, caller }).inode;
}

/** What a session does at close(2): ingest, then flush, then the journal, then the answer. */
export async function closeFile(volume: Volume, inode: InodeNumber): Promise<void> {
  await volume.contents.ingest(inode);
  volume.fileSystem.flush(inode);
  volume.fileSystem.flushJournal();
  volume.fileSystem.release(inode, { write: true });
}

export async function writeFile(
  volume: Volume,
  name: string,
  bytes: Uint8Array,
  parent = ROOT_INODE,
): Promise<InodeNumber> {
  const inode = createFile(volume, name, parent);
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, bytes);
  await closeFile(volume, inode);
  return inode;
}

export async function readInode(volume: Volume, inode: InodeNumber): Promise<Uint8Array> {
  await volume.fileSystem.open(inode, { write: false, truncate: false });
  try {
    const { size } = volume.fileSystem.getAttributes(inode);
    return await volume.contents.read(inode, 0n, Number(size));
  } finally {
    volume.fileSystem.release(inode, { write: false });
  }
}

export function readFile(volume: Volume, name: string, parent: InodeNumber = ROOT_INODE): Promise<Uint8Array> {
  return readInode(volume, volume.fileSystem.lookup(parent, bytesOf(name)).inode);
}

export const namesIn = (volume: Volume, inode: InodeNumber = ROOT_INODE): string[] =>
  Array.from(volume.fileSystem.readDirectory(inode), (entry) => textOf(entry.name)).sort();

export async function codeOf(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return undefined;
}
