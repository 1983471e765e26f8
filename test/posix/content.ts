// Reading and writing: offsets, appends, truncation, mappings, many writers.
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectErrno, expectProbeErrno, lstat, pattern, property } from './property.ts';

const MIB = 1024 * 1024;

export const contentProperties = [
  property('what is written is read back, for sizes around pages and chunks', (site) => {
    for (const size of [0, 1, 4095, 4096, 4097, 8192, 16384, 24576, 24577, 131072, 3 * MIB + 7]) {
      const bytes = pattern(size, size + 1);
      writeFileSync(site.at(`file-${size}`), bytes);
      expectContent(site.at(`file-${size}`), bytes);
    }
  }),
  property('writes at random offsets equal the same writes in memory', (site) => {
    const size = 300_000;
    const expected = Buffer.alloc(size);
    const fd = openSync(site.at('file'), 'w+');
    ftruncateSync(fd, size);
    let state = 7;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % bound;
    };
    for (let round = 0; round < 200; round++) {
      const length = 1 + below(9000);
      const offset = below(size - length);
      const bytes = pattern(length, round + 1);
      bytes.copy(expected, offset);
      writeSync(fd, bytes, 0, length, offset);
    }
    const seen = Buffer.alloc(size);
    readSync(fd, seen, 0, size, 0);
    assert.ok(seen.equals(expected), 'while open');
    closeSync(fd);
    expectContent(site.at('file'), expected);
  }),
  property('overwriting in the middle of a stored file keeps the rest', (site) => {
    const bytes = pattern(MIB, 3);
    writeFileSync(site.at('file'), bytes);
    const fd = openSync(site.at('file'), 'r+');
    writeSync(fd, 'PATCH', 500_000);
    closeSync(fd);
    bytes.write('PATCH', 500_000);
    expectContent(site.at('file'), bytes);
  }),
  property('reading past the end gives nothing, across it what there is', (site) => {
    writeFileSync(site.at('file'), 'text');
    const fd = openSync(site.at('file'), 'r');
    const target = Buffer.alloc(10);
    assert.is(readSync(fd, target, 0, 10, 4), 0);
    assert.is(readSync(fd, target, 0, 10, 1000), 0);
    assert.is(readSync(fd, target, 0, 10, 2), 2);
    closeSync(fd);
  }),
  property('writing past the end leaves zeros between', (site) => {
    const fd = openSync(site.at('file'), 'w');
    writeSync(fd, 'end', 100_000);
    closeSync(fd);
    expectContent(site.at('file'), Buffer.concat([Buffer.alloc(100_000), Buffer.from('end')]));
  }),
  property('a write seen through one descriptor is seen through another at once', (site) => {
    const writer = openSync(site.at('file'), 'w');
    const reader = openSync(site.at('file'), 'r');
    for (const text of ['one', 'two', 'three']) {
      writeSync(writer, text, 0);
      const target = Buffer.alloc(text.length);
      readSync(reader, target, 0, text.length, 0);
      assert.is(target.toString(), text);
    }
    closeSync(writer);
    closeSync(reader);
  }),
  property('the size grows with each write while the file is open', (site) => {
    const fd = openSync(site.at('file'), 'w');
    writeSync(fd, Buffer.alloc(5000));
    assert.is(lstat(site.at('file')).size, 5000n);
    writeSync(fd, Buffer.alloc(70_000));
    assert.is(lstat(site.at('file')).size, 75_000n);
    closeSync(fd);
    assert.is(lstat(site.at('file')).size, 75_000n);
  }),
  property('appending adds at the end, whatever the position asked', async (site) => {
    writeFileSync(site.at('file'), 'start');
    appendFileSync(site.at('file'), '-more');
    const code = `
fd = os.open(path, os.O_WRONLY | os.O_APPEND)
os.lseek(fd, 0, os.SEEK_SET)
os.write(fd, b'-end')
os.close(fd)`;
    await site.probe.run(code, { path: site.at('file') });
    expectContent(site.at('file'), 'start-more-end');
  }),
  property('a file created for appending appends from its first write on', async (site) => {
    const code = `
one = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
two = os.open(path, os.O_WRONLY | os.O_APPEND)
for index in range(10):
    os.write(one, b'1')
    os.write(two, b'2')
os.close(one)
os.close(two)`;
    await site.probe.run(code, { path: site.at('file') });
    expectContent(site.at('file'), '12'.repeat(10));
  }),
  property('appends of several processes are neither lost nor torn', async (site) => {
    const code = `
children = []
for letter in b'abcd':
    child = os.fork()
    if child == 0:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for _ in range(200):
            os.write(fd, bytes([letter]) * 99 + b'\\n')
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
lines = open(path).read().splitlines()
result = [len(lines), all(len(set(line)) == 1 and len(line) == 99 for line in lines),
          sorted(lines.count(letter * 99) for letter in 'abcd')]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [800, true, [200, 200, 200, 200]]);
  }),
  property('writers of different ranges of one file do not disturb each other', async (site) => {
    const code = `
def write(index):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    for block in range(index, 64, 4):
        os.pwrite(fd, bytes([65 + index]) * 10000, block * 10000)
    os.close(fd)
threads = [threading.Thread(target=write, args=(index,)) for index in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
result = open(path, 'rb').read() == b''.join(bytes([65 + block % 4]) * 10000 for block in range(64))`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), true);
  }),
  property('truncating shortens, growing adds zeros, and what was cut off does not come back', (site) => {
    writeFileSync(site.at('file'), pattern(50_000));
    truncateSync(site.at('file'), 10_001);
    expectContent(site.at('file'), pattern(50_000).subarray(0, 10_001));
    truncateSync(site.at('file'), 50_000);
    expectContent(site.at('file'), Buffer.concat([pattern(50_000).subarray(0, 10_001), Buffer.alloc(39_999)]));
  }),
  property('truncating an open file that has unwritten changes keeps those before the cut', (site) => {
    const fd = openSync(site.at('file'), 'w');
    writeSync(fd, pattern(30_000));
    ftruncateSync(fd, 12_345);
    writeSync(fd, 'tail', 20_000);
    closeSync(fd);
    const expected = Buffer.concat([pattern(30_000).subarray(0, 12_345), Buffer.alloc(7655), Buffer.from('tail')]);
    expectContent(site.at('file'), expected);
  }),
  property('truncating changes the modification time, also to the same size through a path', async (site) => {
    const code = `
open(path, 'w').write('text')
os.utime(path, ns=(1, 1))
os.truncate(path, 2)
result = os.lstat(path).st_mtime_ns > 1`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), true);
  }),
  property('truncating a directory or what is not there fails as it should', (site) => {
    expectErrno('EISDIR', () => truncateSync(site.directory, 0));
    expectErrno('ENOENT', () => truncateSync(site.at('missing'), 0));
  }),
  property('truncating to a negative size fails with EINVAL', async (site) => {
    writeFileSync(site.at('file'), 'text');
    await expectProbeErrno('EINVAL', site.probe.run('os.truncate(path, -1)', { path: site.at('file') }));
  }),
  property('descriptors opened for one direction refuse the other with EBADF', (site) => {
    writeFileSync(site.at('file'), 'text');
    const reader = openSync(site.at('file'), 'r');
    expectErrno('EBADF', () => writeSync(reader, 'x'));
    closeSync(reader);
    const writer = openSync(site.at('file'), 'r+');
    closeSync(writer);
    expectErrno('EBADF', () => readSync(writer, Buffer.alloc(1)));
  }),
  property('a shared mapping reads the file and writes to it', async (site) => {
    writeFileSync(site.at('file'), pattern(20_000));
    const code = `
fd = os.open(path, os.O_RDWR)
view = mmap.mmap(fd, 20000, mmap.MAP_SHARED)
before = view[5000:5004].hex()
view[5000:5004] = b'MMAP'
view.flush()
seen = os.pread(fd, 4, 5000).decode()
view.close()
os.close(fd)
result = [before, seen]`;
    const expected = pattern(20_000);
    const before = expected.subarray(5000, 5004).toString('hex');
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [before, 'MMAP']);
    expected.write('MMAP', 5000);
    expectContent(site.at('file'), expected);
  }),
  property('a mapping without a flush reaches the file when it is unmapped and closed', async (site) => {
    writeFileSync(site.at('file'), pattern(8192));
    const code = `
fd = os.open(path, os.O_RDWR)
view = mmap.mmap(fd, 8192, mmap.MAP_SHARED)
view[0:4] = b'MMAP'
view.close()
os.fsync(fd)
os.close(fd)`;
    await site.probe.run(code, { path: site.at('file') });
    assert.is(readFileSync(site.at('file')).subarray(0, 4).toString(), 'MMAP');
  }),
  property('a private mapping changes nothing', async (site) => {
    writeFileSync(site.at('file'), 'original');
    const code = `
fd = os.open(path, os.O_RDONLY)
view = mmap.mmap(fd, 8, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
view[0:4] = b'MMAP'
view.close()
os.close(fd)`;
    await site.probe.run(code, { path: site.at('file') });
    expectContent(site.at('file'), 'original');
  }),
  property('a program is run from the filesystem', async (site) => {
    const code = `
open(path, 'w').write('#!/bin/sh\\nexit 7\\n')
os.chmod(path, 0o755)
result = os.waitstatus_to_exitcode(os.system(path))`;
    assert.is(await site.probe.run(code, { path: site.at('program') }), 7);
  }),
  property('copy_file_range copies a range, within one file too', async (site) => {
    writeFileSync(site.at('file'), pattern(100_000));
    const code = `
source = os.open(path, os.O_RDONLY)
target = os.open(path + '-copy', os.O_CREAT | os.O_WRONLY)
copied = 0
while copied < 60000:
    copied += os.copy_file_range(source, target, 60000 - copied, 20000 + copied, 1000 + copied)
os.close(source)
os.close(target)
both = os.open(path, os.O_RDWR)
result = os.copy_file_range(both, both, 5000, 0, 90000)
os.close(both)`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 5000);
    const expected = Buffer.concat([Buffer.alloc(1000), pattern(100_000).subarray(20_000, 80_000)]);
    expectContent(site.at('file-copy'), expected);
    const within = pattern(100_000);
    within.copy(within, 90_000, 0, 5000);
    expectContent(site.at('file'), within);
  }),
  property('reads and writes with O_DIRECT give the same bytes', async (site) => {
    writeFileSync(site.at('file'), pattern(65536));
    const code = `
view = mmap.mmap(-1, 65536)
fd = os.open(path, os.O_RDWR | os.O_DIRECT)
os.preadv(fd, [view], 0)
view[0:8] = b'DIRECTLY'
os.pwritev(fd, [view], 0)
os.close(fd)
result = open(path, 'rb').read() == view[:]`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), true);
    const expected = pattern(65536);
    expected.write('DIRECTLY', 0);
    expectContent(site.at('file'), expected);
  }),
  property('fsync of a file and of a directory succeeds and keeps the bytes', (site) => {
    const fd = openSync(site.at('file'), 'w');
    writeSync(fd, pattern(20_000));
    fsyncSync(fd);
    closeSync(fd);
    const directory = openSync(site.directory, 'r');
    fsyncSync(directory);
    closeSync(directory);
    expectContent(site.at('file'), pattern(20_000));
  }),
];
