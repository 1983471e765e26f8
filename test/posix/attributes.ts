// Modes, owners, times and what changes them.
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import { expectErrno, expectProbeErrno, lstat, permissions, property } from './property.ts';

/** What is done, in turn, to a file that stays open: then its links, mode, owner, size, and whether mtime and ctime moved. */
const OPEN_FILE_CHANGES: readonly [string, number, string, number, number, boolean, boolean][] = [
  ['os.chmod(path, 0o600)', 1, '0o600', 0, 1, false, true],
  ['os.fchmod(fd, 0o640)', 1, '0o640', 0, 1, false, true],
  ['os.chown(path, 7, 7)', 1, '0o640', 7, 1, false, true],
  ["os.link(path, path + '2')", 2, '0o640', 7, 1, false, true],
  ["os.setxattr(path + '2', 'user.a', b'1')", 2, '0o640', 7, 1, false, true],
  ["os.removexattr(path, 'user.a')", 2, '0o640', 7, 1, false, true],
  ["os.rename(path + '2', path + '3')", 2, '0o640', 7, 1, false, true],
  ["os.pwrite(fd, b'x', 4999)", 2, '0o640', 7, 5000, true, true],
  ["os.truncate(path + '3', 10)", 2, '0o640', 7, 10, true, true],
  ['os.ftruncate(fd, 10)', 2, '0o640', 7, 10, true, true],
  ['os.utime(path, ns=(1, 2))', 2, '0o640', 7, 10, true, true],
  ['os.utime(path, ns=(5, 6)) or os.close(os.dup(fd))', 2, '0o640', 7, 10, true, true],
  ['os.fsync(fd)', 2, '0o640', 7, 10, false, false],
  ['os.close(os.dup(fd))', 2, '0o640', 7, 10, false, false],
  ['os.sync()', 2, '0o640', 7, 10, false, false],
  ["open(path, 'r').read()", 2, '0o640', 7, 10, false, false],
  ["open(path + '3', 'a').write('y')", 2, '0o640', 7, 11, true, true],
  ["os.unlink(path + '3')", 1, '0o640', 7, 11, false, true],
  ["os.rename(path, path + '4')", 1, '0o640', 7, 11, false, true],
  ["open(path, 'w').close()", 1, '0o640', 7, 11, false, false],
  ["os.replace(path, path + '4')", 0, '0o640', 7, 11, false, true],
  ["os.pwrite(fd, b'z', 11)", 0, '0o640', 7, 12, true, true],
  ['os.close(os.dup(fd)) or os.fchmod(fd, 0o600)', 0, '0o600', 7, 12, false, true],
  ['os.utime(fd, ns=(3, 4)) or os.fsync(fd)', 0, '0o600', 7, 12, true, true],
];
/** Each change comes when the file was written and asked for its attributes twice, so that an answer may be remembered. */
const ASK_OPEN_FILE = `
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
def told(action):
    for byte in (b'a', b'b'):
        os.pwrite(fd, byte, 0)
        before = os.fstat(fd)
    time.sleep(0.02)
    eval(action)
    after = os.fstat(fd)
    moved = [getattr(before, which) != getattr(after, which) for which in ('st_mtime_ns', 'st_ctime_ns')]
    return [after.st_nlink, oct(after.st_mode & 0o7777), after.st_uid, after.st_size] + moved
globals().update(fd=fd, path=path)
result = [told(action) for action in actions]
os.close(fd)`;

export const attributeProperties = [
  property('every mode bit is set and read back', (site) => {
    writeFileSync(site.at('file'), '');
    mkdirSync(site.at('directory'));
    for (const name of ['file', 'directory']) {
      for (const mode of [0o0, 0o777, 0o1755, 0o2755, 0o4755, 0o7777, 0o640]) {
        chmodSync(site.at(name), mode);
        assert.is(permissions(site.at(name)), mode);
      }
    }
  }),
  property('owner and group are changed alone and together, to large numbers too', async (site) => {
    writeFileSync(site.at('file'), '');
    lchownSync(site.at('file'), 1, 2);
    const path = site.at('file');
    await site.probe.run('os.chown(path, 3, -1)', { path });
    assert.equal([lstat(path).uid, lstat(path).gid], [3n, 2n]);
    await site.probe.run('os.chown(path, -1, 4)', { path });
    assert.equal([lstat(path).uid, lstat(path).gid], [3n, 4n]);
    lchownSync(path, 4_000_000_000, 4_000_000_001);
    assert.equal([lstat(path).uid, lstat(path).gid], [4_000_000_000n, 4_000_000_001n]);
  }),
  property('both times are set to the nanosecond', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    await site.probe.run('os.utime(path, ns=(1_234_567_890_123_456_789, 987_654_321_987_654_321))', { path });
    assert.is(lstat(path).atimeNs, 1_234_567_890_123_456_789n);
    assert.is(lstat(path).mtimeNs, 987_654_321_987_654_321n);
  }),
  property('times before 1970 and after 2038 are kept', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    for (const time of ['-1000000000', '5000000000000000001']) {
      await site.probe.run(`os.utime(path, ns=(${time}, ${time}))`, { path });
      const seen = await site.probe.run('result = str(os.lstat(path).st_mtime_ns)', { path });
      assert.is(seen, time);
    }
  }),
  property('the modification time set alone leaves the access time, and the other way round', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    await site.probe.run('os.utime(path, ns=(1000, 2000))', { path });
    const touch = (flag: string, date: string): Promise<unknown> =>
      site.probe.run("assert os.system(f'touch -h {flag} -d {date} {path}') == 0", { path, flag, date });
    await touch('-m', '2001-02-03T04:05:06.123456789Z');
    assert.is(lstat(path).mtimeNs, 981_173_106_123_456_789n);
    assert.is(lstat(path).atimeNs, 1000n);
    await touch('-a', '2002-02-03T04:05:06.987654321Z');
    assert.is(lstat(path).atimeNs, 1_012_709_106_987_654_321n);
    assert.is(lstat(path).mtimeNs, 981_173_106_123_456_789n);
  }),
  property('setting times to now gives the present', async (site) => {
    writeFileSync(site.at('file'), '');
    utimesSync(site.at('file'), 1, 1);
    await site.probe.run('os.utime(path)', { path: site.at('file') });
    const distance = Math.abs(Number(lstat(site.at('file')).mtimeMs) - Date.now());
    assert.ok(distance < 10_000, `${distance} ms`);
  }),
  property('setting times changes the change time', async (site) => {
    const code = `
open(path, 'w').close()
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
os.utime(path, ns=(1, 1))
result = os.lstat(path).st_ctime_ns > before`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), true);
  }),
  property('a time set while the file is open and written stays after closing', async (site) => {
    const code = `
fd = os.open(path, os.O_CREAT | os.O_WRONLY)
os.write(fd, b'x' * 100000)
os.utime(fd, ns=(1_000_000_001, 2_000_000_002))
os.close(fd)
about = os.lstat(path)
result = [about.st_mtime_ns, about.st_size]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [2_000_000_002, 100_000]);
  }),
  property('writing changes the modification time and the change time', async (site) => {
    const code = `
open(path, 'w').close()
os.utime(path, ns=(1, 1))
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
open(path, 'a').write('x')
about = os.lstat(path)
result = [about.st_mtime_ns > 1, about.st_ctime_ns > before]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, true]);
  }),
  property('reading does not change the modification time', (site) => {
    writeFileSync(site.at('file'), 'text');
    const before = lstat(site.at('file'));
    readFileSync(site.at('file'));
    assert.is(lstat(site.at('file')).mtimeNs, before.mtimeNs);
    assert.is(lstat(site.at('file')).ctimeNs, before.ctimeNs);
  }),
  property('adding and removing an entry changes the times of the directory', async (site) => {
    const code = `
def changed(action):
    os.utime(path, ns=(1, 1))
    action()
    return os.lstat(path).st_mtime_ns > 1
result = [changed(lambda: open(path + '/file', 'w').close()), changed(lambda: os.mkdir(path + '/folder')),
          changed(lambda: os.symlink('x', path + '/link')), changed(lambda: os.unlink(path + '/file')),
          changed(lambda: os.rmdir(path + '/folder'))]`;
    assert.equal(await site.probe.run(code, { path: site.directory }), Array(5).fill(true));
  }),
  property('a directory shows every change that follows a creation in it', async (site) => {
    const code = `
def create(name):
    open(path + '/' + name, 'w').close()
def changed(action):
    create('fresh')
    before = os.lstat(path).st_ctime_ns
    time.sleep(0.02)
    action()
    after = os.lstat(path).st_ctime_ns
    os.unlink(path + '/fresh')
    return after > before
os.mkdir(path + '/other')
create('file')
result = [changed(lambda: create('second')), changed(lambda: os.rename(path + '/file', path + '/other/file')),
          changed(lambda: os.rename(path + '/other/file', path + '/file')),
          changed(lambda: os.link(path + '/file', path + '/linked')), changed(lambda: os.unlink(path + '/linked')),
          changed(lambda: os.mkdir(path + '/folder')), changed(lambda: os.rmdir(path + '/folder')),
          changed(lambda: os.symlink('x', path + '/symbolic')), changed(lambda: os.mkfifo(path + '/pipe')),
          changed(lambda: os.chmod(path, 0o711))]`;
    assert.equal(await site.probe.run(code, { path: site.directory }), Array(10).fill(true));
  }),
  property('changing a mode or owner changes the change time alone', async (site) => {
    const code = `
open(path, 'w').close()
os.utime(path, ns=(1, 2))
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
os.chmod(path, 0o600)
middle = os.lstat(path).st_ctime_ns
time.sleep(0.02)
os.chown(path, 1, 1)
after = os.lstat(path)
result = [middle > before, after.st_ctime_ns > middle, after.st_mtime_ns, after.st_atime_ns]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, true, 2, 1]);
  }),
  property('link counts of a directory count its subdirectories', (site) => {
    for (const name of ['one', 'two', 'three']) mkdirSync(site.at(name));
    writeFileSync(site.at('file'), '');
    assert.is(lstat(site.directory).nlink, 5n);
    rmdirSync(site.at('two'));
    assert.is(lstat(site.directory).nlink, 4n);
  }),
  property('permission is checked by mode, owner and group', async (site) => {
    const code = `
open(path, 'w').close()
os.chown(path, 100, 200)
os.chmod(path, 0o640)
outcomes = []
for uid, groups, flags in [(100, [], os.O_RDWR), (300, [200], os.O_RDONLY), (300, [200], os.O_WRONLY), (300, [], os.O_RDONLY)]:
    try:
        as_user(uid, lambda: os.open(path, flags), groups)
        outcomes.append('yes')
    except OSError as error:
        outcomes.append(errno.errorcode[error.errno])
result = outcomes`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['yes', 'yes', 'EACCES', 'EACCES']);
  }),
  property('a directory without search or write permission refuses others', async (site) => {
    const code = `
os.mkdir(path, 0o700)
open(path + '/file', 'w').close()
outcomes = []
for mode, action in [(0o700, lambda: os.lstat(path + '/file')), (0o755, lambda: os.mkdir(path + '/new')),
                     (0o755, lambda: os.unlink(path + '/file')), (0o711, lambda: os.listdir(path))]:
    os.chmod(path, mode)
    try:
        as_user(12345, action)
        outcomes.append('yes')
    except OSError as error:
        outcomes.append(errno.errorcode[error.errno])
result = outcomes`;
    assert.equal(await site.probe.run(code, { path: site.at('directory') }), Array(4).fill('EACCES'));
  }),
  property('only the owner changes mode and times, only root the owner', async (site) => {
    const code = `
open(path, 'w').close()
os.chmod(path, 0o666)
outcomes = []
for action in [lambda: os.chmod(path, 0o777), lambda: os.utime(path, ns=(1, 1)), lambda: os.chown(path, 12345, -1)]:
    try:
        as_user(12345, action)
        outcomes.append('yes')
    except OSError as error:
        outcomes.append(errno.errorcode[error.errno])
as_user(12345, lambda: os.utime(path))
result = outcomes`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['EPERM', 'EPERM', 'EPERM']);
  }),
  property('writing by another user clears the set-id bits', async (site) => {
    const code = `
open(path, 'w').write('text')
os.chmod(path, 0o6777)
def write():
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b'x')
    os.close(fd)
as_user(12345, write)
result = os.lstat(path).st_mode & 0o7777`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 0o777);
  }),
  property('every way to write clears the set-id bits of a program, for those without CAP_FSETID', async (site) => {
    const code = `
def on_file(flags, action):
    def act():
        fd = os.open(path, flags)
        action(fd)
        os.close(fd)
    return act
def copy(fd):
    other = os.open(source, os.O_RDONLY)
    assert os.copy_file_range(other, fd, 4, offset_dst=0) == 4
    os.close(other)
open(source, 'w').write('text')
ways = [on_file(os.O_WRONLY | os.O_TRUNC, lambda fd: None), on_file(os.O_RDWR, lambda fd: os.pwrite(fd, b'x', 9)),
        on_file(os.O_RDWR, lambda fd: os.ftruncate(fd, 3)), on_file(os.O_RDWR, lambda fd: fallocate(fd, 0, 0, 8192)), on_file(os.O_RDWR, copy)]
result = []
for by in [lambda way: as_user(12345, way), lambda way: way()]:
    for way in ways:
        open(path, 'w').write('text')
        os.chmod(path, 0o6777)
        by(way)
        result.append(oct(os.stat(path).st_mode & 0o7777))`;
    const modes = (await site.probe.run(code, { path: site.at('file'), source: site.at('source') })) as string[];
    assert.equal(modes, [...Array(5).fill('0o777'), ...Array(5).fill('0o6777')]);
  }),
  property('truncating by another user clears the set-id bits, on opening too', async (site) => {
    const code = `
result = []
for truncate in [lambda: os.truncate(path, 1), lambda: os.open(path, os.O_WRONLY | os.O_TRUNC), lambda: os.open(path, os.O_RDONLY | os.O_TRUNC),
                 lambda: os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)]:
    open(path, 'w').write('text')
    os.chmod(path, 0o6777)
    as_user(12345, truncate)
    result.append(os.lstat(path).st_mode & 0o7777)
os.chmod(path, 0o6777)
os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
result.append(os.lstat(path).st_mode & 0o7777)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [0o777, 0o777, 0o777, 0o777, 0o6777]);
  }),
  property('changing the owner clears the set-id bits of a program', async (site) => {
    const code = `
open(path, 'w').close()
os.chown(path, 12345, 12345)
os.chmod(path, 0o6755)
as_user(12345, lambda: os.chown(path, -1, 12345))
result = os.lstat(path).st_mode & 0o7777`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 0o755);
  }),
  property('a change of owner that changes neither clears the set-id bits too, and tells the time', async (site) => {
    const code = `
open(path, 'w').close()
os.chmod(path, 0o6755)
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
os.chown(path, -1, -1)
after = os.lstat(path)
result = [after.st_mode & 0o7777, after.st_ctime_ns > before]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [0o755, true]);
  }),
  property('a file just made changes hands at once, and given to whom it belongs it stays as it is', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
made = os.fstat(fd)
shown = lambda: [os.fstat(fd).st_uid, os.fstat(fd).st_gid, os.fstat(fd).st_mode & 0o7777]
result = []
for uid, gid in [(0, 0), (0, -1), (-1, 0), (5, 0), (5, 0), (5, 6), (-1, 6), (5, -1), (0, 6), (0, 0)]:
    os.fchown(fd, uid, gid)
    result.append(shown())
os.fchmod(fd, 0o6755)
os.fchown(fd, 0, 0)
result.append(shown())
os.write(fd, b'text')
written = os.fstat(fd)
time.sleep(0.02)
os.fchown(fd, 0, 0)
late = os.fstat(fd)
os.close(fd)
closed = os.stat(path)
result.append([written.st_ctime_ns >= made.st_ctime_ns, late.st_ctime_ns > written.st_ctime_ns, late.st_mtime_ns == written.st_mtime_ns,
               closed.st_ctime_ns == late.st_ctime_ns, closed.st_size])`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [
      [0, 0, 0o600],
      [0, 0, 0o600],
      [0, 0, 0o600],
      [5, 0, 0o600],
      [5, 0, 0o600],
      [5, 6, 0o600],
      [5, 6, 0o600],
      [5, 6, 0o600],
      [0, 6, 0o600],
      [0, 0, 0o600],
      [0, 0, 0o755],
      [true, true, true, true, 4],
    ]);
  }),
  property('closing another descriptor after the times were set changes no time', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
os.write(fd, b'text')
os.utime(path, ns=(11 * 10**17, 11 * 10**17))
before = os.fstat(fd)
time.sleep(0.02)
os.close(os.dup(fd))
after = os.fstat(fd)
os.close(fd)
result = [after.st_mtime_ns == 11 * 10**17, after.st_ctime_ns == before.st_ctime_ns, os.stat(path).st_ctime_ns == before.st_ctime_ns]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, true, true]);
  }),
  property(
    'an open file tells at once what changes it, by whatever name, and right after it was asked',
    async (site) => {
      const rows = OPEN_FILE_CHANGES.map(([action]) => action);
      const told = (await site.probe.run(ASK_OPEN_FILE, { path: site.at('file'), actions: rows })) as unknown[][];
      for (const [index, [action, ...expected]] of OPEN_FILE_CHANGES.entries()) {
        assert.equal(told[index], expected, action);
      }
    },
  ),
  property('changing attributes of what is not there fails with ENOENT', async (site) => {
    expectErrno('ENOENT', () => chmodSync(site.at('missing'), 0o600));
    expectErrno('ENOENT', () => lchownSync(site.at('missing'), 1, 1));
    await expectProbeErrno('ENOENT', site.probe.run('os.utime(path)', { path: site.at('missing') }));
  }),
  property('statfs tells a size, what is free and the longest name', async (site) => {
    const about = statfsSync(site.directory);
    assert.ok(about.blocks > 0 && about.bsize > 0, 'size');
    assert.ok(about.bfree <= about.blocks && about.bavail <= about.bfree, 'free');
    assert.ok(about.files > 0 && about.ffree <= about.files, 'files');
    assert.is(await site.probe.run('result = os.statvfs(path).f_namemax', { path: site.directory }), 255);
  }),
];
