// Hard links and symbolic links.
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectErrno, expectProbeErrno, lstat, property } from './property.ts';

export const linkProperties = [
  property('hard links share inode, content, attributes and a link count', (site) => {
    writeFileSync(site.at('first'), 'before');
    linkSync(site.at('first'), site.at('second'));
    writeFileSync(site.at('second'), 'after');
    expectContent(site.at('first'), 'after');
    assert.is(lstat(site.at('first')).ino, lstat(site.at('second')).ino);
    assert.is(lstat(site.at('first')).nlink, 2n);
    unlinkSync(site.at('first'));
    assert.is(lstat(site.at('second')).nlink, 1n);
    expectContent(site.at('second'), 'after');
  }),
  property('a hard link across directories survives the removal of the first name', (site) => {
    mkdirSync(site.at('one'));
    mkdirSync(site.at('two'));
    writeFileSync(site.at('one', 'file'), 'text');
    linkSync(site.at('one', 'file'), site.at('two', 'other'));
    unlinkSync(site.at('one', 'file'));
    expectContent(site.at('two', 'other'), 'text');
  }),
  property('linking changes the change time, not the modification time', async (site) => {
    const code = `
open(path, 'w').close()
os.utime(path, ns=(1000, 2000))
before = os.lstat(path)
time.sleep(0.02)
os.link(path, path + '-second')
after = os.lstat(path)
result = [after.st_mtime_ns, after.st_ctime_ns > before.st_ctime_ns]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [2000, true]);
  }),
  property('a thousand links to one file are counted', (site) => {
    writeFileSync(site.at('file'), '');
    for (let index = 0; index < 1000; index++) linkSync(site.at('file'), site.at(`link-${index}`));
    assert.is(lstat(site.at('file')).nlink, 1001n);
  }),
  property('linking over a name, from nothing or a directory fails as it should', (site) => {
    writeFileSync(site.at('file'), '');
    writeFileSync(site.at('other'), 'kept');
    mkdirSync(site.at('directory'));
    expectErrno('EEXIST', () => linkSync(site.at('file'), site.at('other')));
    expectErrno('ENOENT', () => linkSync(site.at('missing'), site.at('new')));
    expectErrno('ENOENT', () => linkSync(site.at('file'), site.at('missing', 'new')));
    expectErrno('EPERM', () => linkSync(site.at('directory'), site.at('new')));
    expectContent(site.at('other'), 'kept');
  }),
  property('special files and symbolic links can be hard-linked', async (site) => {
    const code = `
os.mkfifo(path + '/fifo')
os.symlink('target', path + '/symlink')
os.link(path + '/fifo', path + '/fifo2')
os.link(path + '/symlink', path + '/symlink2', follow_symlinks=False)
result = [os.lstat(path + '/fifo').st_nlink, os.readlink(path + '/symlink2'), os.lstat(path + '/symlink').st_nlink]`;
    assert.equal(await site.probe.run(code, { path: site.directory }), [2, 'target', 2]);
  }),
  property('a symbolic link keeps its target byte for byte, and its size is the length', (site) => {
    for (const target of ['relative', '/absolute', '../up', 'with spaces', 'x'.repeat(4095)]) {
      const path = site.at(`link-${target.length}`);
      symlinkSync(target, path);
      assert.is(readlinkSync(path), target);
      assert.is(lstat(path).size, BigInt(target.length));
      assert.is(lstat(path).mode & 0o777n, 0o777n);
    }
    const raw = Buffer.from([0xff, 0x80, 0x41]);
    symlinkSync(raw, site.at('raw'));
    assert.equal(readlinkSync(site.at('raw'), { encoding: 'buffer' }), raw);
  }),
  property('a symbolic link is followed by open and stat, not by lstat and unlink', (site) => {
    writeFileSync(site.at('target'), 'text');
    symlinkSync('target', site.at('link'));
    expectContent(site.at('link'), 'text');
    assert.ok(statSync(site.at('link')).isFile());
    assert.ok(lstatSync(site.at('link')).isSymbolicLink());
    unlinkSync(site.at('link'));
    expectContent(site.at('target'), 'text');
  }),
  property('a loop of symbolic links fails with ELOOP, a dangling one with ENOENT', (site) => {
    symlinkSync('b', site.at('a'));
    symlinkSync('a', site.at('b'));
    expectErrno('ELOOP', () => statSync(site.at('a')));
    symlinkSync('nowhere', site.at('dangling'));
    expectErrno('ENOENT', () => statSync(site.at('dangling')));
  }),
  property('opening a symbolic link without following it fails with ELOOP', async (site) => {
    symlinkSync('target', site.at('link'));
    await expectProbeErrno(
      'ELOOP',
      site.probe.run('os.open(path, os.O_RDONLY | os.O_NOFOLLOW)', { path: site.at('link') }),
    );
  }),
  property('reading a link that is none fails with EINVAL', (site) => {
    writeFileSync(site.at('file'), '');
    expectErrno('EINVAL', () => readlinkSync(site.at('file')));
    expectErrno('EINVAL', () => readlinkSync(site.directory));
  }),
  property('a symbolic link target that is too long or empty is refused', async (site) => {
    const path = site.at('link');
    await expectProbeErrno('ENAMETOOLONG', site.probe.run("os.symlink('x' * 4096, path)", { path }));
    await expectProbeErrno('ENOENT', site.probe.run("os.symlink('', path)", { path }));
  }),
  property('a symbolic link has an owner and times of its own', async (site) => {
    const code = `
os.symlink('target', path)
os.lchown(path, 11, 22)
os.utime(path, ns=(1_000_000_001, 2_000_000_002), follow_symlinks=False)
about = os.lstat(path)
result = [about.st_uid, about.st_gid, about.st_atime_ns, about.st_mtime_ns]`;
    assert.equal(await site.probe.run(code, { path: site.at('link') }), [11, 22, 1_000_000_001, 2_000_000_002]);
  }),
];
