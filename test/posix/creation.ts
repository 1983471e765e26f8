// Creating and removing files, directories and special files.
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectErrno, expectProbeErrno, lstat, permissions, property } from './property.ts';

export const creationProperties = [
  property('a new file has the mode given less the umask, no bytes and one link', (site) => {
    closeSync(openSync(site.at('file'), 'w', 0o666));
    const attributes = lstat(site.at('file'));
    assert.is(permissions(site.at('file')), 0o644);
    assert.is(attributes.size, 0n);
    assert.is(attributes.nlink, 1n);
    assert.ok(attributes.isFile());
  }),
  property('a new directory has the mode given less the umask and two links', (site) => {
    mkdirSync(site.at('directory'), 0o777);
    assert.is(permissions(site.at('directory')), 0o755);
    assert.is(lstat(site.at('directory')).nlink, 2n);
  }),
  property('every permission bit of a new file is kept', async (site) => {
    for (const mode of [0o000, 0o111, 0o222, 0o444, 0o600, 0o751]) {
      const path = site.at(`mode-${mode.toString(8)}`);
      const code = 'old = os.umask(0)\nos.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))\nos.umask(old)';
      await site.probe.run(code, { path, mode });
      assert.is(permissions(path), mode);
    }
  }),
  property('a file created without write permission can be written through the descriptor that made it', (site) => {
    const fd = openSync(site.at('read-only'), 'wx', 0o400);
    writeSync(fd, 'text');
    closeSync(fd);
    expectContent(site.at('read-only'), 'text');
  }),
  property('a new object belongs to who made it', async (site) => {
    const code = `
os.chmod(directory, 0o777)
def make():
    os.close(os.open(directory + '/file', os.O_CREAT | os.O_WRONLY, 0o600))
    os.mkdir(directory + '/folder')
    os.symlink('x', directory + '/link')
as_user(12345, make)
result = [[os.lstat(directory + '/' + name).st_uid, os.lstat(directory + '/' + name).st_gid] for name in ('file', 'folder', 'link')]`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), Array(3).fill([12345, 12345]));
  }),
  property('a new object in a set-group-id directory takes its group, a new directory the bit too', async (site) => {
    const code = `
os.chown(directory, 0, 777)
os.chmod(directory, 0o2775)
os.close(os.open(directory + '/file', os.O_CREAT | os.O_WRONLY, 0o600))
os.mkdir(directory + '/folder')
file, folder = os.lstat(directory + '/file'), os.lstat(directory + '/folder')
result = [file.st_gid, folder.st_gid, bool(folder.st_mode & stat.S_ISGID), bool(file.st_mode & stat.S_ISGID)]`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [777, 777, true, false]);
  }),
  property('creating exclusively what exists fails with EEXIST, also over a dangling link', async (site) => {
    writeFileSync(site.at('file'), 'kept');
    expectErrno('EEXIST', () => openSync(site.at('file'), 'wx'));
    await site.probe.run('os.symlink("nowhere", path)', { path: site.at('dangling') });
    expectErrno('EEXIST', () => openSync(site.at('dangling'), 'wx'));
    expectContent(site.at('file'), 'kept');
  }),
  property('of many exclusive creators exactly one wins', async (site) => {
    const code = `
wins = []
def attempt():
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        wins.append(1)
    except FileExistsError:
        pass
threads = [threading.Thread(target=attempt) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
result = len(wins)`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 1);
  }),
  property('opening through a dangling link with create makes the target', async (site) => {
    await site.probe.run('os.symlink("target", path)', { path: site.at('link') });
    writeFileSync(site.at('link'), 'text');
    expectContent(site.at('target'), 'text');
  }),
  property('truncating on open empties the file and keeps its inode', (site) => {
    writeFileSync(site.at('file'), 'before');
    const before = lstat(site.at('file'));
    closeSync(openSync(site.at('file'), 'w'));
    assert.is(lstat(site.at('file')).ino, before.ino);
    assert.is(lstat(site.at('file')).size, 0n);
  }),
  property('opening what is not there, below a file or in a missing directory fails as it should', (site) => {
    writeFileSync(site.at('file'), '');
    expectErrno('ENOENT', () => openSync(site.at('missing'), 'r'));
    expectErrno('ENOENT', () => openSync(site.at('missing', 'file'), 'w'));
    expectErrno('ENOTDIR', () => openSync(site.at('file', 'below'), 'w'));
    expectErrno('EISDIR', () => openSync(site.directory, 'w'));
    expectErrno('ENOTDIR', () => openSync(site.at('file'), constants.O_RDONLY | constants.O_DIRECTORY));
  }),
  property('making a directory over anything fails with EEXIST', async (site) => {
    writeFileSync(site.at('file'), '');
    mkdirSync(site.at('directory'));
    await site.probe.run('os.symlink("nowhere", path)', { path: site.at('dangling') });
    for (const name of ['file', 'directory', 'dangling']) expectErrno('EEXIST', () => mkdirSync(site.at(name)));
  }),
  property('removing a directory that is not empty fails with ENOTEMPTY and removes nothing', (site) => {
    mkdirSync(site.at('directory', 'inner'), { recursive: true });
    expectErrno('ENOTEMPTY', () => rmdirSync(site.at('directory')));
    assert.equal(readdirSync(site.at('directory')), ['inner']);
  }),
  property('removing with the wrong call fails: a file as a directory, a directory as a file', (site) => {
    writeFileSync(site.at('file'), '');
    mkdirSync(site.at('directory'));
    expectErrno('ENOTDIR', () => rmdirSync(site.at('file')));
    expectErrno('EISDIR', () => unlinkSync(site.at('directory')));
    expectErrno('ENOENT', () => unlinkSync(site.at('missing')));
    expectErrno('ENOENT', () => rmdirSync(site.at('missing')));
  }),
  property('removing a directory by its dot fails with EINVAL', async (site) => {
    mkdirSync(site.at('directory'));
    await expectProbeErrno('EINVAL', site.probe.run('os.rmdir(path + "/.")', { path: site.at('directory') }));
  }),
  property('a removed directory that is still open is empty and takes no new entries', async (site) => {
    const code = `
os.mkdir(path)
fd = os.open(path, os.O_RDONLY)
os.rmdir(path)
assert os.listdir(fd) == []
try:
    os.close(os.open('file', os.O_CREAT | os.O_WRONLY, dir_fd=fd))
finally:
    os.close(fd)`;
    await expectProbeErrno('ENOENT', site.probe.run(code, { path: site.at('directory') }));
  }),
  property('a file unlinked while open is read and written until it is closed', async (site) => {
    const code = `
fd = os.open(path, os.O_CREAT | os.O_RDWR)
os.write(fd, b'before')
os.unlink(path)
os.pwrite(fd, b'after', 6)
result = [os.pread(fd, 100, 0).decode(), os.fstat(fd).st_nlink, os.fstat(fd).st_size, os.path.exists(path)]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['beforeafter', 0, 11, false]);
    assert.equal(readdirSync(site.directory), []);
  }),
  property('a name unlinked while open can be made anew beside the open file', (site) => {
    writeFileSync(site.at('file'), 'old');
    const fd = openSync(site.at('file'), 'r');
    unlinkSync(site.at('file'));
    writeFileSync(site.at('file'), 'new');
    assert.is(readFileSync(fd, 'utf8'), 'old');
    closeSync(fd);
    expectContent(site.at('file'), 'new');
  }),
  property('a file unlinked while open can change its attributes through the descriptor', async (site) => {
    const code = `
fd = os.open(path, os.O_CREAT | os.O_RDWR)
os.unlink(path)
os.fchmod(fd, 0o640)
os.ftruncate(fd, 5)
os.utime(fd, ns=(1, 2))
about = os.fstat(fd)
result = [about.st_mode & 0o777, about.st_size, about.st_mtime_ns]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [0o640, 5, 2]);
  }),
  property('a fifo carries bytes between its ends', async (site) => {
    const code = `
os.mkfifo(path, 0o640)
reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
writer = os.open(path, os.O_WRONLY)
os.write(writer, b'through')
about = os.lstat(path)
result = [os.read(reader, 100).decode(), stat.S_ISFIFO(about.st_mode), about.st_mode & 0o777]
os.close(reader)
os.close(writer)`;
    assert.equal(await site.probe.run(code, { path: site.at('fifo') }), ['through', true, 0o640]);
  }),
  property('a socket can be bound, seen and connected to', async (site) => {
    const code = `
os.chdir(directory)
server = socket.socket(socket.AF_UNIX)
server.bind('socket')
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect('socket')
result = stat.S_ISSOCK(os.lstat('socket').st_mode)
os.chdir('/')
client.close()
server.close()`;
    assert.is(await site.probe.run(code, { directory: site.directory }), true);
  }),
  property('device nodes keep their type and number', async (site) => {
    const code = `
os.mknod(path + '/character', stat.S_IFCHR | 0o600, os.makedev(1, 3))
os.mknod(path + '/block', stat.S_IFBLK | 0o600, os.makedev(259, 70000))
character, block = os.lstat(path + '/character'), os.lstat(path + '/block')
result = [stat.S_ISCHR(character.st_mode), os.major(character.st_rdev), os.minor(character.st_rdev),
          stat.S_ISBLK(block.st_mode), os.major(block.st_rdev), os.minor(block.st_rdev)]`;
    assert.equal(await site.probe.run(code, { path: site.directory }), [true, 1, 3, true, 259, 70000]);
  }),
  property('mknod of a regular file makes an empty file', async (site) => {
    await site.probe.run('os.mknod(path, stat.S_IFREG | 0o604)', { path: site.at('file') });
    assert.is(permissions(site.at('file')), 0o604);
    assert.is(lstat(site.at('file')).size, 0n);
  }),
];
