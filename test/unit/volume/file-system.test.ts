import fs from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nanoseconds, ROOT_INODE } from '../../../src/base/units.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import {
  bytesOf,
  caller,
  cleanUp,
  closeFile,
  codeOf,
  createDirectory,
  createFile,
  makeDirectory,
  namesIn,
  noise,
  openTestVolume,
  readFile,
  readInode,
  writeFile,
} from './support.ts';

const test = suite<{ directory: string; volume: Volume }>('volume/file-system');

test.before.each(async (context) => {
  context.directory = makeDirectory();
  context.volume = await openTestVolume(context.directory);
});
test.after.each(({ directory }) => cleanUp(directory));

test('the first start makes a root directory with mode 0755 of the process', ({ volume }) => {
  const root = volume.fileSystem.getAttributes(ROOT_INODE);
  assert.is(root.mode, 0o040755);
  assert.is(root.uid, process.getuid?.());
  assert.is(root.gid, process.getgid?.());
  assert.equal(namesIn(volume), []);
});

test('what was written and closed is read again, also after closing and opening the volume', async (context) => {
  const content = noise(1, 300_000);
  await writeFile(context.volume, 'file', content);
  assert.equal(await readFile(context.volume, 'file'), content);
  await context.volume.close();
  context.volume = await openTestVolume(context.directory);
  assert.equal(await readFile(context.volume, 'file'), content);
  assert.is(context.volume.status().epoch, 1);
});

test('a file shows its new size while it is written, before any version', async ({ volume }) => {
  const inode = createFile(volume, 'growing');
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(2, 5000));
  const attributes = volume.fileSystem.getAttributes(inode);
  assert.is(attributes.size, 5000n);
  assert.ok(attributes.blocks >= 10n);
  await closeFile(volume, inode);
});

test('pages may be kept exactly when the content is what it was at the last open', async ({ volume }) => {
  const inode = await writeFile(volume, 'file', noise(3, 100));
  const open = async () => {
    const { keepCache } = await volume.fileSystem.open(inode, { write: true, truncate: false });
    return keepCache;
  };
  assert.is(await open(), true); // written through this kernel: its pages are right
  await closeFile(volume, inode);
  volume.fileSystem.forget(inode, 1);
  assert.is(await open(), false); // forgotten: there are no pages to keep
  await closeFile(volume, inode);
});

test('truncating works on closed and open files, shorter and longer, and sets the time of modification', async ({
  volume,
}) => {
  const content = noise(4, 70_000);
  const inode = await writeFile(volume, 'file', content);
  const old = nanoseconds(1_000_000_000n);
  await volume.fileSystem.setAttributes(inode, { modified: old });
  await volume.fileSystem.setAttributes(inode, { size: 40_001n });
  assert.equal(await readFile(volume, 'file'), content.subarray(0, 40_001));
  assert.ok(volume.fileSystem.getAttributes(inode).modified > old);
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.fileSystem.setAttributes(inode, { size: 50_000n });
  await closeFile(volume, inode);
  const padded = new Uint8Array(50_000);
  padded.set(content.subarray(0, 40_001));
  assert.equal(await readFile(volume, 'file'), padded);
  await volume.fileSystem.open(inode, { write: true, truncate: true });
  assert.is(volume.fileSystem.getAttributes(inode).size, 0n);
  await closeFile(volume, inode);
});

test('an explicit time of modification wins over the write before it and loses to the one after', async ({
  volume,
}) => {
  const inode = createFile(volume, 'file');
  const explicit = nanoseconds(123_456_789n);
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(5, 100));
  await volume.fileSystem.setAttributes(inode, { modified: explicit });
  assert.is(volume.fileSystem.getAttributes(inode).modified, explicit);
  await closeFile(volume, inode);
  assert.is(volume.fileSystem.getAttributes(inode).modified, explicit);
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(6, 100));
  await closeFile(volume, inode);
  assert.ok(volume.fileSystem.getAttributes(inode).modified > explicit);
});

test('new objects have the ids of the caller, in a set-group directory its group', async ({ volume }) => {
  const { fileSystem } = volume;
  const plain = createDirectory(volume, 'plain');
  assert.equal([fileSystem.getAttributes(plain).uid, fileSystem.getAttributes(plain).gid], [1000, 1000]);
  const shared = createDirectory(volume, 'shared', 0o042775);
  await fileSystem.setAttributes(shared, { gid: 77 });
  const file = fileSystem.getAttributes(createFile(volume, 'file', shared));
  assert.equal([file.uid, file.gid, file.mode], [1000, 77, 0o100644]);
  const inner = fileSystem.createNode({ parent: shared, name: bytesOf('inner'), mode: 0o040755, caller });
  assert.equal([inner.gid, inner.mode], [77, 0o042755]);
});

test('chown drops set-user and effective set-group from files, not from directories', async ({ volume }) => {
  const { fileSystem } = volume;
  const file = createFile(volume, 'file');
  await fileSystem.setAttributes(file, { mode: 0o6755 });
  await fileSystem.setAttributes(file, { uid: 5 });
  assert.is(fileSystem.getAttributes(file).mode, 0o100755);
  await fileSystem.setAttributes(file, { mode: 0o2745 }); // without group execute it means mandatory locking
  await fileSystem.setAttributes(file, { gid: 6 });
  assert.is(fileSystem.getAttributes(file).mode, 0o102745);
  const directory = createDirectory(volume, 'directory', 0o042755);
  await fileSystem.setAttributes(directory, { uid: 5, gid: 6 });
  assert.is(fileSystem.getAttributes(directory).mode, 0o042755);
});

/** Of one look: what else the disk does changes what is free. */
function inodesUsed({ fileSystem }: Volume): bigint {
  const { files, filesFree } = fileSystem.statistics();
  return files - filesFree;
}

test('an unlinked file works until its last handle and goes then', async ({ volume }) => {
  const content = noise(7, 60_000);
  const inode = await writeFile(volume, 'file', content);
  const before = inodesUsed(volume);
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  volume.fileSystem.unlink(ROOT_INODE, bytesOf('file'));
  volume.fileSystem.forget(inode, 1);
  assert.is(volume.fileSystem.getAttributes(inode).links, 0);
  await volume.contents.write(inode, 60_000n, content.subarray(0, 10));
  assert.is(volume.fileSystem.getAttributes(inode).size, 60_010n);
  assert.equal((await volume.contents.read(inode, 0n, 60_000)).length, 60_000);
  await closeFile(volume, inode);
  assert.is(await codeOf(() => volume.fileSystem.getAttributes(inode)), 'PFS_STALE');
  assert.is(inodesUsed(volume), before - 1n);
});

test('who opens a file just after its last name went reads what was written last', async ({ volume }) => {
  const { fileSystem } = volume;
  const inode = createFile(volume, 'file');
  await fileSystem.open(inode, { write: true, truncate: false });
  await volume.contents.write(inode, 0n, noise(7, 5000));
  await fileSystem.fsync(inode); // the journal has it, and no version
  fileSystem.release(inode, { write: true });
  fileSystem.unlink(ROOT_INODE, bytesOf('file'));
  await volume.commit();
  for (const times of [1, 2]) assert.equal(await readInode(volume, inode), noise(7, 5000), `${times}`);
  assert.is(volume.status().openFiles, 1);
  fileSystem.forget(inode, 1);
  assert.is(volume.status().openFiles, 0);
  assert.is(await codeOf(() => fileSystem.getAttributes(inode)), 'PFS_STALE');
});

test('an unlinked inode stays while the kernel refers to it', async ({ volume }) => {
  const inode = await writeFile(volume, 'file', noise(8, 10));
  volume.fileSystem.lookup(ROOT_INODE, bytesOf('file'));
  volume.fileSystem.unlink(ROOT_INODE, bytesOf('file'));
  volume.fileSystem.forget(inode, 1);
  assert.is(volume.fileSystem.getAttributes(inode).links, 0);
  volume.fileSystem.forget(inode, 1);
  assert.is(await codeOf(() => volume.fileSystem.getAttributes(inode)), 'PFS_STALE');
});

test('a rename over a file shows the old or the new content, also of a source that is open and unsaved', async ({
  volume,
}) => {
  const oldContent = noise(9, 50_000);
  const newContent = noise(10, 80_000);
  await writeFile(volume, 'target', oldContent);
  const source = createFile(volume, 'source');
  await volume.fileSystem.open(source, { write: true, truncate: false });
  await volume.contents.write(source, 0n, newContent);
  await volume.fileSystem.rename({
    parent: ROOT_INODE,
    name: bytesOf('source'),
    newParent: ROOT_INODE,
    newName: bytesOf('target'),
    flags: 'replace',
  });
  const info = volume.info('target');
  assert.is(info.size, 80_000n); // the namespace has it, not only the content store
  assert.equal(namesIn(volume), ['target']);
  await closeFile(volume, source);
  assert.equal(await readFile(volume, 'target'), newContent);
});

test('exchange and noreplace do what renameat2 says', async ({ volume }) => {
  await writeFile(volume, 'one', bytesOf('1'));
  await writeFile(volume, 'two', bytesOf('2'));
  const names = { parent: ROOT_INODE, name: bytesOf('one'), newParent: ROOT_INODE, newName: bytesOf('two') };
  assert.is(await codeOf(() => volume.fileSystem.rename({ ...names, flags: 'noreplace' })), 'PFS_EXISTS');
  await volume.fileSystem.rename({ ...names, flags: 'exchange' });
  assert.equal(await readFile(volume, 'one'), bytesOf('2'));
  assert.equal(await readFile(volume, 'two'), bytesOf('1'));
});

test('links, symbolic links and attributes are told truly', async ({ volume }) => {
  const { fileSystem } = volume;
  const inode = await writeFile(volume, 'file', bytesOf('x'));
  assert.is(fileSystem.link(inode, ROOT_INODE, bytesOf('again')).links, 2);
  const link = fileSystem.createNode({
    parent: ROOT_INODE,
    name: bytesOf('link'),
    mode: 0o120777,
    target: bytesOf('some/where'),
    caller,
  });
  assert.is(link.size, 10n);
  assert.equal(fileSystem.readLink(link.inode), bytesOf('some/where'));
  fileSystem.setExtendedAttribute(inode, bytesOf('user.a'), bytesOf('b'), 'any');
  assert.equal(fileSystem.getExtendedAttribute(inode, bytesOf('user.a')), bytesOf('b'));
  assert.equal(fileSystem.listExtendedAttributes(inode), [bytesOf('user.a')]);
  fileSystem.removeExtendedAttribute(inode, bytesOf('user.a'));
  assert.is(await codeOf(() => fileSystem.getExtendedAttribute(inode, bytesOf('user.a'))), 'PFS_NO_ATTRIBUTE');
});

test('statistics are those of the disk', ({ volume, directory }) => {
  const disk = fs.statfsSync(directory, { bigint: true });
  const statistics = volume.fileSystem.statistics();
  assert.is(statistics.blocks, disk.blocks);
  assert.is(statistics.blockSize, Number(disk.bsize));
  assert.ok(statistics.files >= 1n && statistics.filesFree > 0n);
});

test('info tells extents, logs and unique bytes of a path', async ({ volume }) => {
  const content = noise(11, 100_000);
  const twice = new Uint8Array(200_000);
  twice.set(content);
  twice.set(content, 100_000);
  createDirectory(volume, 'directory');
  const directory = volume.fileSystem.lookup(ROOT_INODE, bytesOf('directory')).inode;
  const inode = await writeFile(volume, 'file', twice, directory);
  const info = volume.info('/directory/file');
  assert.is(info.inode, inode);
  assert.is(info.kind, 'file');
  assert.is(info.size, 200_000n);
  assert.is(info.allocatedBytes, 200_000n);
  assert.ok(info.uniqueBytes < 150_000n, `${info.uniqueBytes} unique bytes`);
  assert.is(info.logs.length, 1);
  assert.is(await codeOf(() => volume.info('directory/none')), 'PFS_NO_ENTRY');
});

test.run();
