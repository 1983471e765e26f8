// What ext4 does and a FUSE filesystem may not be able to; test/conformance lists the properties that a mount lacks.
import * as assert from 'uvu/assert';
import { property } from './property.ts';

export const limitProperties = [
  property('collapsing a range takes it out, inserting one makes room', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.write(fd, b'a' * 4096 + b'b' * 4096 + b'c' * 4096)
fallocate(fd, COLLAPSE_RANGE, 4096, 4096)
result = [os.fstat(fd).st_size, os.pread(fd, 1, 4096).decode()]
fallocate(fd, INSERT_RANGE, 4096, 4096)
result += [os.fstat(fd).st_size, os.pread(fd, 1, 8192).decode()]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [8192, 'c', 12_288, 'c']);
  }),
  property('allocating takes the space at once', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT)
fallocate(fd, 0, 0, 1048576)
result = os.fstat(fd).st_blocks`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 2048);
  }),
  property('times up to the year 2446 are kept', async (site) => {
    const code = `
open(path, 'w').close()
os.utime(path, ns=(15032385535 * 10**9, 15032385534 * 10**9))
about = os.lstat(path)
result = [about.st_atime_ns // 10**9, about.st_mtime_ns // 10**9]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [15_032_385_535, 15_032_385_534]);
  }),
  property('a running program is not emptied by opening it', async (site) => {
    const code = `
import shutil, subprocess
shutil.copy('/bin/sleep', path)
child = subprocess.Popen([path, '60'])
seen = [outcome(lambda: os.open(path, flags)) for flags in [os.O_WRONLY, os.O_WRONLY | os.O_TRUNC, os.O_RDONLY | os.O_TRUNC]]
seen.append(os.lstat(path).st_size > 0)
child.kill()
child.wait()
result = seen`;
    const expected = ['ETXTBSY', 'ETXTBSY', 'ETXTBSY', true];
    assert.equal(await site.probe.run(code, { path: site.at('program') }), expected);
  }),
  property('reading a changed file changes its access time', async (site) => {
    const code = `
open(path, 'w').write('text')
def read():
    with open(path) as file: file.read()
result = times_changed(read, path)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['a']);
  }),
  property('a read that may not wait gives what the cache holds', async (site) => {
    const code = `
open(path, 'w').write('text')
fd = os.open(path, os.O_RDONLY)
os.read(fd, 4)
result = os.preadv(fd, [bytearray(4)], 0, os.RWF_NOWAIT)`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 4);
  }),
  property('an inode has flags', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT)
fcntl.ioctl(fd, 0x80086601, b'0' * 8)`;
    await site.probe.run(code, { path: site.at('file') });
  }),
  property('an inode has a time of birth', async (site) => {
    const code = `
open(path, 'w').close()
answer = ctypes.create_string_buffer(256)
checked(libc.statx(AT_FDCWD, os.fsencode(path), 0, 0xfff, answer))
result = int.from_bytes(answer[0:4], 'little') & 0x800`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 0x800);
  }),
  property('an unaligned read with O_DIRECT fails with EINVAL', async (site) => {
    const code = `
open(path, 'w').write('x' * 8192)
fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
memory = mmap.mmap(-1, 4096)
result = outcome(lambda: os.preadv(fd, [memory], 100))`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 'EINVAL');
  }),
];
