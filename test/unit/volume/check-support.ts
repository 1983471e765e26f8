// For tests of the check: the offline check of a test volume, and damage done to its records and files on purpose.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Level } from 'level';
import { suite, type Test } from 'uvu';
import { native } from '../../../src/addon/addon.ts';
import { type InodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import { systemClock } from '../../../src/daemon/system.ts';
import { KIND, numberKey } from '../../../src/namespace/keys.ts';
import { checkOffline } from '../../../src/volume/check/offline.ts';
import type { CheckReport } from '../../../src/volume/check/run-check.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';
import { bytesOf, cleanUp, createDirectory, makeDirectory, noise, openTestVolume, writeFile } from './support.ts';

/** The local number of a volume's own log. */
export const OWN_LOG = 0x7ffe;

const digest = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());

export function check(directory: string, options: { readonly verifyData?: boolean } = {}): Promise<CheckReport> {
  return checkOffline({
    stateDirectory: directory,
    volumeId: digest('volume').subarray(0, 16),
    volumeSecret: digest('secret'),
    native,
    clock: systemClock,
    signal: new AbortController().signal,
    verifyData: options.verifyData ?? false,
    addedPhases: [],
    onProgress: () => undefined,
  });
}

/** `code path` of each finding. */
export const found = (report: CheckReport): string[] => report.findings.map(({ code, path: at }) => `${code} ${at}`);

export interface Records {
  get(key: Buffer): Buffer;
  put(key: Buffer, value: Uint8Array): void;
  delete(key: Buffer): void;
}

/** Edits records of a volume that nobody has open, behind the back of its commits. */
export async function editRecords(directory: string, edit: (records: Records) => void): Promise<void> {
  const level = new Level<Buffer, Uint8Array>(path.join(directory, 'namespace'), {
    keyEncoding: 'buffer',
    valueEncoding: 'view',
  });
  await level.open();
  const changes: ({ type: 'put'; key: Buffer; value: Uint8Array } | { type: 'del'; key: Buffer })[] = [];
  try {
    edit({
      get: (key) => {
        const value = level.getSync(key);
        if (value === undefined) throw new Error(`no record ${key.toString('hex')}`);
        return Buffer.from(value);
      },
      put: (key, value) => changes.push({ type: 'put', key, value }),
      delete: (key) => changes.push({ type: 'del', key }),
    });
    await level.batch(changes);
  } finally {
    await level.close();
  }
}

/** Changes an inode's record. */
export const editInode = (
  directory: string,
  inode: InodeNumber,
  edit: (record: packetfs.InodeRecord) => void,
): Promise<void> =>
  editRecords(directory, (records) => {
    const key = numberKey(KIND.inode, inode);
    const record = packetfs.InodeRecord.decode(records.get(key));
    edit(record);
    records.put(key, packetfs.InodeRecord.encode(record).finish());
  });

export interface SmallTree {
  readonly folder: InodeNumber;
  readonly file: InodeNumber;
  readonly inside: InodeNumber;
  readonly paged: InodeNumber;
}

/** A folder, a file beside it and one inside, and a file of so many extents that they are in pages. */
export async function writeSmallTree(volume: Volume): Promise<SmallTree> {
  const folder = createDirectory(volume, 'folder');
  const file = await writeFile(volume, 'file', noise(1, 100_000));
  const inside = await writeFile(volume, 'inside', noise(2, 50_000), folder);
  volume.fileSystem.link(file, folder, bytesOf('second name'));
  volume.fileSystem.setExtendedAttribute(file, bytesOf('user.a'), bytesOf('value'), 'any');
  const paged = await writeFile(volume, 'paged', noise(3, 1000), ROOT_INODE);
  await volume.fileSystem.open(paged, { write: true, truncate: false });
  for (let index = 1; index < 300; index += 1) {
    await volume.contents.write(paged, BigInt(index * 65_536), noise(100 + index, 500));
  }
  await volume.contents.ingest(paged);
  volume.fileSystem.flush(paged);
  volume.fileSystem.release(paged, { write: true });
  await volume.commit();
  return { folder, file, inside, paged };
}

/** The only log's segment 0, without extension. */
export function onlySegment(directory: string): string {
  const [log = ''] = fs.readdirSync(path.join(directory, 'blob'));
  return path.join(directory, 'blob', log, '00000');
}

export function flip(file: string, offset: number): void {
  const descriptor = fs.openSync(file, 'r+');
  const byte = new Uint8Array(1);
  fs.readSync(descriptor, byte, 0, 1, offset);
  fs.writeSync(descriptor, Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, offset);
  fs.closeSync(descriptor);
}

/** Each test gets a closed volume with a small tree in it. */
export function smallTreeSuite(name: string): Test<{ directory: string; tree: SmallTree }> {
  const test = suite<{ directory: string; tree: SmallTree }>(name);
  test.before.each(async (context) => {
    context.directory = makeDirectory();
    const volume = await openTestVolume(context.directory);
    context.tree = await writeSmallTree(volume);
    await volume.close();
  });
  test.after.each(({ directory }) => cleanUp(directory));
  return test;
}
