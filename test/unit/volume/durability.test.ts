import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JOURNALED_BYTES_MAX, RELEASED_SAVE_MS } from '../../../src/base/limits.ts';
import { ROOT_INODE } from '../../../src/base/units.ts';
import {
  bytesOf,
  cleanUp,
  closeFile,
  codeOf,
  createFile,
  makeDirectory,
  namesIn,
  noise,
  openTestVolume,
  readFile,
  withSync,
  writeFile,
} from './support.ts';

const test = suite<{ directory: string }>('volume/durability');
const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
const FILES = 40;
const TOO_LONG_FOR_THE_JOURNAL = JOURNALED_BYTES_MAX + 100_000;

test.before.each((context) => {
  context.directory = makeDirectory();
});
test.after.each(({ directory }) => cleanUp(directory));

const journals = (directory: string) =>
  fs.readdirSync(directory).filter((name) => name.startsWith('namespace.journal.'));

function runUntilKilled(directory: string, moment: string): void {
  const outcome = spawnSync(process.execPath, ['--import', 'tsx', child, directory, String(FILES), moment], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.is(outcome.signal, 'SIGKILL', outcome.stderr);
}

for (const moment of ['during a commit', 'after a commit']) {
  test(`every file that was closed ${moment} survives kill -9 with its content`, async ({ directory }) => {
    runUntilKilled(directory, moment);
    for (const again of ['the crash', 'a clean stop']) {
      const volume = await openTestVolume(directory);
      const folder = volume.fileSystem.lookup(ROOT_INODE, bytesOf('folder')).inode;
      assert.is(namesIn(volume, folder).length, FILES - 1);
      assert.equal(await readFile(volume, 'moved'), noise(0, 1000));
      for (let number = 1; number < FILES; number += 1) {
        assert.equal(await readFile(volume, `file-${number}`, folder), noise(number, 1000 + number * 700));
      }
      assert.is(volume.status().epoch, 2); // the unclean stop began it, the clean one goes on in it
      assert.equal(journals(directory), []);
      await writeFile(volume, `after ${again}`, noise(5, 5000));
      await volume.close();
    }
  });
}

test('a journal cut anywhere gives a prefix of what was done, and the volume opens', async ({ directory }) => {
  runUntilKilled(directory, 'during a commit');
  const [journal = ''] = journals(directory);
  const whole = fs.readFileSync(path.join(directory, journal));
  const copy = `${directory}-copy`;
  for (const part of [0, 0.1, 0.5, 0.9]) {
    fs.cpSync(directory, copy, { recursive: true });
    fs.writeFileSync(path.join(copy, journal), whole.subarray(0, Math.floor(whole.length * part)));
    const volume = await openTestVolume(copy);
    const names = namesIn(volume);
    const folder = names.includes('folder') ? volume.fileSystem.lookup(ROOT_INODE, bytesOf('folder')).inode : undefined;
    const files = folder === undefined ? [] : namesIn(volume, folder);
    assert.is(files.length < FILES - 1, true);
    assert.equal(new Set(files), new Set(Array.from({ length: files.length }, (_, number) => `file-${number}`)));
    await volume.close();
    fs.rmSync(copy, { recursive: true });
  }
});

test('a journal record whose bytes the disk lost ends the replay', async ({ directory }) => {
  runUntilKilled(directory, 'during a commit');
  const [log = ''] = fs.readdirSync(path.join(directory, 'blob'));
  const data = path.join(directory, 'blob', log, '00000.data');
  const descriptor = fs.openSync(data, 'r+');
  fs.writeSync(descriptor, new Uint8Array(4096), 0, 4096, 100_000); // as if these pages had not been written back
  fs.closeSync(descriptor);
  const volume = await openTestVolume(directory);
  const folder = volume.fileSystem.lookup(ROOT_INODE, bytesOf('folder')).inode;
  const files = namesIn(volume, folder);
  assert.ok(files.length > 1 && files.length < FILES - 1);
  for (const name of files) {
    const number = Number(name.slice('file-'.length));
    const content = await readFile(volume, name, folder);
    assert.ok(content.length === 0 || Buffer.compare(content, noise(number, 1000 + number * 700)) === 0, name);
  }
  // The lost bytes are not matched either: the same content is stored anew.
  for (let number = 0; number < FILES; number += 1) {
    await writeFile(volume, `again-${number}`, noise(number, 1000 + number * 700));
    assert.equal(await readFile(volume, `again-${number}`), noise(number, 1000 + number * 700));
  }
  await volume.close();
});

test('a state that is in use is refused and the holder named', async ({ directory }) => {
  const volume = await openTestVolume(directory);
  try {
    await openTestVolume(directory);
    assert.unreachable('the second open succeeded');
  } catch (error) {
    assert.is(error instanceof Error && 'code' in error && error.code, 'PFS_LOCKED');
    assert.match(error instanceof Error ? error.message : '', `process ${process.pid}`);
  }
  await volume.close();
  await (await openTestVolume(directory)).close();
});

test('a segment below its high-water mark makes the volume read-only, and its files stay readable', async ({
  directory,
}) => {
  const volume = await openTestVolume(directory);
  await writeFile(volume, 'early', noise(1, 50_000));
  await volume.commit();
  await writeFile(volume, 'late', noise(2, 50_000));
  await volume.close();
  const [log = ''] = fs.readdirSync(path.join(directory, 'blob'));
  const table = path.join(directory, 'blob', log, '00000.chunks');
  fs.truncateSync(table, fs.statSync(table).size - 64);
  const damaged = await openTestVolume(directory);
  assert.is(damaged.status().state, 'read-only');
  assert.match(damaged.status().reason, 'pfs scrub start --repair');
  assert.equal(await readFile(damaged, 'early'), noise(1, 50_000));
  assert.is(await codeOf(() => createFile(damaged, 'new')), 'PFS_READ_ONLY');
  assert.is(await codeOf(() => damaged.close()), 'PFS_IO');
});

test('a failed sync answers EIO, leaves the volume read-only, is not tried again, and the next open has what was closed', async ({
  directory,
}) => {
  let syncs = 0;
  let failing = false;
  const volume = await openTestVolume(directory, {
    native: withSync((blob) => {
      syncs += 1;
      return failing ? Promise.reject(Object.assign(new Error('fdatasync: EIO'), { errno: 5 })) : blob.sync();
    }),
  });
  await writeFile(volume, 'durable', noise(1, 10_000));
  await volume.commit();
  failing = true;
  const inode = await writeFile(volume, 'file', noise(2, TOO_LONG_FOR_THE_JOURNAL));
  const before = syncs;
  assert.is(await codeOf(() => volume.fileSystem.fsync(inode)), 'PFS_IO');
  assert.is(await codeOf(() => volume.fileSystem.fsync(inode)), 'PFS_IO');
  assert.is(syncs, before + 1);
  assert.is(volume.status().state, 'read-only');
  assert.is(await codeOf(() => createFile(volume, 'new')), 'PFS_READ_ONLY');
  assert.equal(await readFile(volume, 'file'), noise(2, TOO_LONG_FOR_THE_JOURNAL));
  assert.is(await codeOf(() => volume.close()), 'PFS_IO');
  const again = await openTestVolume(directory);
  assert.is(again.status().epoch, 2);
  assert.equal(namesIn(again), ['durable', 'file']);
  assert.equal(await readFile(again, 'file'), noise(2, TOO_LONG_FOR_THE_JOURNAL));
  await again.close();
});

test('nothing enters Level before the bytes it refers to are synced, and an fsync of much waits for both', async ({
  directory,
}) => {
  const order: string[] = [];
  const volume = await openTestVolume(directory, {
    native: withSync(async (blob) => {
      const appended = blob.totals().appendedBytes;
      const marks = await blob.sync();
      order.push(`synced ${appended}`);
      return marks;
    }),
  });
  volume.replica.onCommitted(() => order.push('committed'));
  const inode = createFile(volume, 'file');
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(3, TOO_LONG_FOR_THE_JOURNAL));
  order.length = 0;
  await volume.fileSystem.fsync(inode);
  order.push('answered');
  assert.equal(order.slice(-3), [`synced ${TOO_LONG_FOR_THE_JOURNAL}`, 'committed', 'answered']);
  await closeFile(volume, inode);
  await volume.close();
});

test('an fsync of little needs no commit, and what it promised is in the journal alone', async ({ directory }) => {
  const volume = await openTestVolume(directory);
  await volume.commit();
  const { commits } = volume.status();
  const closed = await writeFile(volume, 'closed', noise(1, 30_000));
  const open = createFile(volume, 'open');
  await volume.fileSystem.open(open, { write: true, truncate: false });
  await volume.contents.write(open, 100n, noise(2, 5000));
  volume.fileSystem.flushJournal();
  await volume.fileSystem.fsync(open);
  await volume.contents.write(open, 2000n, noise(3, 1000));
  await volume.fileSystem.fsync(open);
  await volume.fileSystem.fsync(closed);
  assert.is(volume.status().commits, commits);
  const copy = `${directory}-copy`;
  fs.cpSync(directory, copy, { recursive: true });
  const [log = ''] = fs.readdirSync(path.join(copy, 'blob'));
  for (const name of ['00000.data', '00000.chunks']) fs.rmSync(path.join(copy, 'blob', log, name)); // never synced
  await volume.fileSystem.release(open, { write: true });
  await volume.close();

  const again = await openTestVolume(copy);
  const expected = new Uint8Array(5100);
  expected.set(noise(2, 5000), 100);
  expected.set(noise(3, 1000), 2000);
  assert.equal(await readFile(again, 'open'), expected);
  assert.equal(await readFile(again, 'closed'), noise(1, 30_000));
  assert.equal(journals(copy), []);
  await again.close();
  fs.rmSync(copy, { recursive: true });
});

test('what is fsynced, closed and removed at once is never stored; what stays is, without a commit', async ({
  directory,
}) => {
  const volume = await openTestVolume(directory);
  const before = volume.status().ingest.appendedBytes;
  const saved: number[] = [];
  for (const isRemoved of [true, false]) {
    const name = `removed ${isRemoved}`;
    const inode = createFile(volume, name);
    await volume.fileSystem.open(inode, { write: true, truncate: false });
    await volume.contents.write(inode, 0n, noise(isRemoved ? 1 : 2, 5000));
    volume.fileSystem.flushJournal();
    await volume.fileSystem.fsync(inode);
    volume.fileSystem.release(inode, { write: true });
    if (isRemoved) volume.fileSystem.unlink(ROOT_INODE, bytesOf(name));
    volume.fileSystem.forget(inode, 1);
    await delay(10 * RELEASED_SAVE_MS);
    saved.push(volume.status().ingest.appendedBytes - before);
  }
  assert.equal(saved, [0, 5000]);
  assert.is(volume.status().openFiles, 0);
  await volume.close();
});

test('what is fsynced while a commit runs outlives that commit and its journal', async ({ directory }) => {
  const copy = `${directory}-copy`;
  let during: () => Promise<void> = () => Promise.resolve();
  const volume = await openTestVolume(directory, {
    native: withSync(async (blob) => {
      const marks = await blob.sync();
      await during();
      return marks;
    }),
  });
  const inode = createFile(volume, 'file');
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(1, 40_000));
  volume.fileSystem.flushJournal();
  await volume.fileSystem.fsync(inode);
  during = async () => {
    during = () => Promise.resolve();
    await volume.contents.write(inode, 40_000n, noise(2, 3000));
    await volume.fileSystem.fsync(inode);
  };
  await volume.commit();
  fs.cpSync(directory, copy, { recursive: true });
  volume.fileSystem.release(inode, { write: true });
  await volume.close();

  const again = await openTestVolume(copy);
  assert.equal(await readFile(again, 'file'), Uint8Array.from([...noise(1, 40_000), ...noise(2, 3000)]));
  await again.close();
  fs.rmSync(copy, { recursive: true });
});

test('who asks while a commit runs joins the next one', async ({ directory }) => {
  const volume = await openTestVolume(directory);
  await volume.commit();
  const before = volume.status().commits;
  const first = volume.commit();
  await Promise.resolve();
  await Promise.all([first, ...Array.from({ length: 100 }, () => volume.commit())]);
  assert.ok(volume.status().commits - before <= 2);
  await volume.close();
});

test('a change after a quiet second is committed without anybody asking', async ({ directory }) => {
  const volume = await openTestVolume(directory);
  const keepAlive = setInterval(() => undefined, 1000);
  const committed = new Promise<void>((resolve) => volume.replica.onCommitted(resolve));
  createFile(volume, 'file');
  volume.fileSystem.flushJournal();
  await committed;
  clearInterval(keepAlive);
  assert.ok(volume.status().sequence > 0n);
  await volume.close();
  assert.equal(journals(directory), []);
});

test.run();
