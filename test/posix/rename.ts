// rename(2) and renameat2(2) in all their cases.
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectErrno, expectProbeErrno, lstat, property } from './property.ts';

export const renameProperties = [
  property('a renamed file keeps inode, content and modification time', async (site) => {
    writeFileSync(site.at('old'), 'text');
    await site.probe.run('os.utime(path, ns=(5, 6))', { path: site.at('old') });
    const before = lstat(site.at('old'));
    renameSync(site.at('old'), site.at('new'));
    assert.is(lstat(site.at('new')).ino, before.ino);
    assert.is(lstat(site.at('new')).mtimeNs, 6n);
    expectContent(site.at('new'), 'text');
    assert.equal(readdirSync(site.directory), ['new']);
  }),
  property('renaming over a file replaces it; who has it open still reads it', (site) => {
    writeFileSync(site.at('old'), 'replaced');
    writeFileSync(site.at('new'), 'replacement');
    const fd = openSync(site.at('old'), 'r');
    renameSync(site.at('new'), site.at('old'));
    assert.is(readFileSync(fd, 'utf8'), 'replaced');
    closeSync(fd);
    expectContent(site.at('old'), 'replacement');
    assert.equal(readdirSync(site.directory), ['old']);
  }),
  property('a replaced file that has other links loses one', (site) => {
    writeFileSync(site.at('target'), 'kept');
    linkSync(site.at('target'), site.at('other'));
    writeFileSync(site.at('source'), 'new');
    renameSync(site.at('source'), site.at('target'));
    assert.is(lstat(site.at('other')).nlink, 1n);
    expectContent(site.at('other'), 'kept');
  }),
  property('renaming one link over another of the same file does nothing', (site) => {
    writeFileSync(site.at('one'), 'text');
    linkSync(site.at('one'), site.at('two'));
    renameSync(site.at('one'), site.at('two'));
    assert.equal(readdirSync(site.directory).sort(), ['one', 'two']);
    assert.is(lstat(site.at('one')).nlink, 2n);
  }),
  property('renaming to the same name does nothing', (site) => {
    writeFileSync(site.at('file'), 'text');
    renameSync(site.at('file'), site.at('file'));
    expectContent(site.at('file'), 'text');
  }),
  property('a directory moves with all below it, and link counts of both parents follow', (site) => {
    mkdirSync(site.at('from', 'moved', 'deep'), { recursive: true });
    mkdirSync(site.at('to'));
    writeFileSync(site.at('from', 'moved', 'deep', 'file'), 'text');
    renameSync(site.at('from', 'moved'), site.at('to', 'arrived'));
    expectContent(site.at('to', 'arrived', 'deep', 'file'), 'text');
    assert.is(lstat(site.at('from')).nlink, 2n);
    assert.is(lstat(site.at('to')).nlink, 3n);
    assert.is(lstat(`${site.at('to', 'arrived')}/..`).ino, lstat(site.at('to')).ino);
  }),
  property('a directory replaces an empty directory, and none that has entries', (site) => {
    mkdirSync(site.at('empty'));
    mkdirSync(site.at('full', 'inner'), { recursive: true });
    mkdirSync(site.at('source'));
    writeFileSync(site.at('source', 'file'), '');
    expectErrno('ENOTEMPTY', () => renameSync(site.at('source'), site.at('full')));
    renameSync(site.at('source'), site.at('empty'));
    assert.equal(readdirSync(site.at('empty')), ['file']);
    assert.is(lstat(site.directory).nlink, 4n);
  }),
  property('a file does not replace a directory, nor a directory a file', (site) => {
    writeFileSync(site.at('file'), '');
    mkdirSync(site.at('directory'));
    expectErrno('EISDIR', () => renameSync(site.at('file'), site.at('directory')));
    expectErrno('ENOTDIR', () => renameSync(site.at('directory'), site.at('file')));
  }),
  property('a directory does not move below itself', (site) => {
    mkdirSync(site.at('directory', 'inner'), { recursive: true });
    expectErrno('EINVAL', () => renameSync(site.at('directory'), site.at('directory', 'inner', 'deeper')));
    expectErrno('ENOTEMPTY', () => renameSync(site.at('directory', 'inner'), site.at('directory')));
  }),
  property('renaming what is not there or into a missing directory fails with ENOENT', (site) => {
    writeFileSync(site.at('file'), '');
    expectErrno('ENOENT', () => renameSync(site.at('missing'), site.at('new')));
    expectErrno('ENOENT', () => renameSync(site.at('file'), site.at('missing', 'new')));
    expectErrno('ENOTDIR', () => renameSync(site.at('file'), site.at('file', 'new')));
  }),
  property('renaming to a name of 256 bytes fails with ENAMETOOLONG', (site) => {
    writeFileSync(site.at('file'), '');
    expectErrno('ENAMETOOLONG', () => renameSync(site.at('file'), site.at('n'.repeat(256))));
    assert.equal(readdirSync(site.directory), ['file']);
  }),
  property('renaming out of the filesystem fails with EXDEV', async (site) => {
    writeFileSync(site.at('file'), '');
    await expectProbeErrno(
      'EXDEV',
      site.probe.run("os.rename(path, '/dev/shm/pfs-posix-probe')", { path: site.at('file') }),
    );
  }),
  property('a symbolic link is itself renamed and replaced, not its target', (site) => {
    writeFileSync(site.at('target'), 'kept');
    symlinkSync('target', site.at('link'));
    renameSync(site.at('link'), site.at('moved'));
    assert.ok(lstat(site.at('moved')).isSymbolicLink());
    writeFileSync(site.at('new'), 'new');
    renameSync(site.at('new'), site.at('moved'));
    expectContent(site.at('target'), 'kept');
    expectContent(site.at('moved'), 'new');
  }),
  property('renaming changes the times of both directories', async (site) => {
    const code = `
os.mkdir(path + '/a')
os.mkdir(path + '/b')
open(path + '/a/file', 'w').close()
for name in 'ab':
    os.utime(path + '/' + name, ns=(1, 1))
os.rename(path + '/a/file', path + '/b/file')
result = [os.lstat(path + '/' + name).st_mtime_ns > 1 for name in 'ab']`;
    assert.equal(await site.probe.run(code, { path: site.directory }), [true, true]);
  }),
  property('RENAME_NOREPLACE renames to a free name and fails with EEXIST on a taken one', async (site) => {
    writeFileSync(site.at('file'), 'text');
    writeFileSync(site.at('taken'), 'kept');
    const code = 'renameat2(source, target, RENAME_NOREPLACE)';
    await expectProbeErrno('EEXIST', site.probe.run(code, { source: site.at('file'), target: site.at('taken') }));
    await site.probe.run(code, { source: site.at('file'), target: site.at('free') });
    expectContent(site.at('free'), 'text');
    expectContent(site.at('taken'), 'kept');
  }),
  property('RENAME_EXCHANGE swaps two files', async (site) => {
    writeFileSync(site.at('one'), 'first');
    writeFileSync(site.at('two'), 'second');
    const code = 'renameat2(source, target, RENAME_EXCHANGE)';
    await site.probe.run(code, { source: site.at('one'), target: site.at('two') });
    expectContent(site.at('one'), 'second');
    expectContent(site.at('two'), 'first');
  }),
  property('RENAME_EXCHANGE swaps a file and a directory of different parents, link counts included', async (site) => {
    mkdirSync(site.at('left', 'directory'), { recursive: true });
    mkdirSync(site.at('right'));
    writeFileSync(site.at('left', 'directory', 'inner'), 'inner');
    writeFileSync(site.at('right', 'file'), 'text');
    const code = 'renameat2(source, target, RENAME_EXCHANGE)';
    await site.probe.run(code, { source: site.at('left', 'directory'), target: site.at('right', 'file') });
    expectContent(site.at('left', 'directory'), 'text');
    expectContent(site.at('right', 'file', 'inner'), 'inner');
    assert.is(lstat(site.at('left')).nlink, 2n);
    assert.is(lstat(site.at('right')).nlink, 3n);
  }),
  property('RENAME_EXCHANGE with a missing name fails with ENOENT, with a descendant with EINVAL', async (site) => {
    mkdirSync(site.at('directory', 'inner'), { recursive: true });
    const code = 'renameat2(source, target, RENAME_EXCHANGE)';
    const source = site.at('directory');
    await expectProbeErrno('ENOENT', site.probe.run(code, { source, target: site.at('missing') }));
    await expectProbeErrno('EINVAL', site.probe.run(code, { source, target: site.at('directory', 'inner') }));
  }),
  property('RENAME_WHITEOUT leaves a character device 0:0 behind, and obeys NOREPLACE', async (site) => {
    writeFileSync(site.at('old'), 'text');
    const values = { source: site.at('old'), target: site.at('new') };
    await site.probe.run('renameat2(source, target, RENAME_WHITEOUT)', values);
    expectContent(site.at('new'), 'text');
    const left = lstat(site.at('old'));
    assert.equal([left.mode, left.rdev, left.nlink], [0o020000n, 0n, 1n]);
    const refused = 'renameat2(source, target, RENAME_WHITEOUT | RENAME_NOREPLACE)';
    await expectProbeErrno('EEXIST', site.probe.run(refused, values));
    await expectProbeErrno(
      'EINVAL',
      site.probe.run('renameat2(source, target, RENAME_WHITEOUT | RENAME_EXCHANGE)', values),
    );
  }),
  property('a sticky directory lets only the owner rename and remove', async (site) => {
    const code = `
os.chmod(directory, 0o1777)
open(directory + '/file', 'w').close()
as_user(12345, lambda: os.unlink(directory + '/file'))`;
    await expectProbeErrno('EPERM', site.probe.run(code, { directory: site.directory }));
    const rename = "as_user(12345, lambda: os.rename(directory + '/file', directory + '/mine'))";
    await expectProbeErrno('EPERM', site.probe.run(rename, { directory: site.directory }));
    assert.equal(readdirSync(site.directory), ['file']);
  }),
];
