// Files made without a name (O_TMPFILE): what they are before linkat(2) gives them one, and after.
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectProbeErrno, lstat, property } from './property.ts';

/** `link` names an open file, as open(2) recommends. */
const LINK = `
def link(fd, path):
    checked(libc.linkat(AT_FDCWD, os.fsencode(f'/proc/self/fd/{fd}'), AT_FDCWD, os.fsencode(path), 0x400))
`;

export const namelessProperties = [
  property('a nameless file is given a name by linking it, and a second one', async (site) => {
    const code = `${LINK}
fd = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o640)
os.write(fd, b'text')
os.setxattr(fd, 'user.a', b'1')
before = os.fstat(fd)
link(fd, directory + '/file')
link(fd, directory + '/second')
os.write(fd, b' and more')
os.close(fd)
after = os.lstat(directory + '/file')
result = [before.st_nlink, before.st_size, oct(before.st_mode), after.st_nlink, os.getxattr(directory + '/second', 'user.a').decode()]`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [0, 4, '0o100640', 2, '1']);
    expectContent(site.at('file'), 'text and more');
    expectContent(site.at('second'), 'text and more');
  }),
  property('a nameless file keeps what was written and synced before it is linked', async (site) => {
    const code = `${LINK}
fd = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)
for index in range(100):
    os.write(fd, bytes([index]) * 10000)
    if index % 40 == 0: os.fsync(fd)
link(fd, directory + '/file')
os.close(fd)`;
    await site.probe.run(code, { directory: site.directory });
    expectContent(
      site.at('file'),
      Buffer.concat(Array.from({ length: 100 }, (_, index) => Buffer.alloc(10_000, index))),
    );
  }),
  property('making a nameless file changes nothing in the directory', async (site) => {
    const before = lstat(site.directory);
    const code = `
fd = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600)
result = [os.listdir(directory), os.fstat(fd).st_ino > 0]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [[], true]);
    const after = lstat(site.directory);
    assert.equal([after.mtimeNs, after.ctimeNs, after.nlink], [before.mtimeNs, before.ctimeNs, before.nlink]);
  }),
  property('a nameless file made with O_EXCL, or whose names are gone, cannot be linked', async (site) => {
    const exclusive = `${LINK}
link(os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600), directory + '/file')`;
    await expectProbeErrno('ENOENT', site.probe.run(exclusive, { directory: site.directory }));
    const removed = `${LINK}
fd = os.open(directory + '/file', os.O_CREAT | os.O_RDWR)
os.unlink(directory + '/file')
link(fd, directory + '/again')`;
    await expectProbeErrno('ENOENT', site.probe.run(removed, { directory: site.directory }));
    assert.equal(readdirSync(site.directory), []);
  }),
  property('a nameless file needs write permission in the directory, write access, and a directory', async (site) => {
    const { directory } = site;
    const user = 'as_user(12345, lambda: os.open(directory, os.O_TMPFILE | os.O_RDWR))';
    await expectProbeErrno('EACCES', site.probe.run(user, { directory }));
    await expectProbeErrno('EINVAL', site.probe.run('os.open(directory, os.O_TMPFILE)', { directory }));
    const below = "open(directory + '/file', 'w').close()\nos.open(directory + '/file', os.O_TMPFILE | os.O_RDWR)";
    await expectProbeErrno('ENOTDIR', site.probe.run(below, { directory }));
  }),
  property('a nameless file takes the group of a set-group-id directory, and the umask', async (site) => {
    const code = `
os.chown(directory, 0, 54321)
os.chmod(directory, 0o2755)
previous = os.umask(0o027)
about = os.fstat(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o666))
os.umask(previous)
result = [about.st_gid, oct(about.st_mode)]`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [54_321, '0o100640']);
  }),
];
