// Sparse files: holes, fallocate(2), SEEK_DATA and SEEK_HOLE, sizes near the limits.
import { closeSync, ftruncateSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectProbeErrno, lstat, pattern, property, type Site } from './property.ts';

const BLOCK = 65536;

/** data · hole · data, each a block long. */
function writeSparse(site: Site): Buffer {
  const fd = openSync(site.at('file'), 'w');
  writeSync(fd, pattern(BLOCK, 1), 0, BLOCK, 0);
  writeSync(fd, pattern(BLOCK, 2), 0, BLOCK, 2 * BLOCK);
  closeSync(fd);
  return Buffer.concat([pattern(BLOCK, 1), Buffer.alloc(BLOCK), pattern(BLOCK, 2)]);
}

const allocate = (site: Site, mode: string, offset: number, length: number): Promise<unknown> =>
  site.probe.run(
    `
fd = os.open(path, os.O_RDWR)
try:
    fallocate(fd, ${mode}, offset, length)
finally:
    os.close(fd)`,
    { path: site.at('file'), offset, length },
  );

export const holeProperties = [
  property('a hole reads as zeros and takes no space', (site) => {
    expectContent(site.at('file'), writeSparse(site));
    truncateSync(site.at('file'), 1024 * 1024 * 1024);
    assert.ok(lstat(site.at('file')).blocks * 512n <= BigInt(4 * BLOCK), 'blocks');
  }),
  property('SEEK_DATA and SEEK_HOLE find where data and holes begin', async (site) => {
    writeSparse(site);
    const code = `
fd = os.open(path, os.O_RDONLY)
result = [os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE), os.lseek(fd, ${BLOCK}, os.SEEK_DATA),
          os.lseek(fd, ${BLOCK + 5000}, os.SEEK_HOLE), os.lseek(fd, ${2 * BLOCK}, os.SEEK_HOLE)]
os.close(fd)`;
    const expected = [0, BLOCK, 2 * BLOCK, BLOCK + 5000, 3 * BLOCK];
    assert.equal(await site.probe.run(code, { path: site.at('file') }), expected);
  }),
  property('seeking data in a trailing hole or past the end fails with ENXIO', async (site) => {
    writeSparse(site);
    truncateSync(site.at('file'), 10 * BLOCK);
    const seek = `
fd = os.open(path, os.O_RDONLY)
try:
    os.lseek(fd, offset, os.SEEK_DATA)
finally:
    os.close(fd)`;
    for (const offset of [4 * BLOCK, 10 * BLOCK, 20 * BLOCK]) {
      await expectProbeErrno('ENXIO', site.probe.run(seek, { path: site.at('file'), offset }));
    }
  }),
  property('data and holes are shown in whole blocks of 4096 bytes', async (site) => {
    const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 100_000)
os.pwrite(fd, b'x', 20_000)
os.pwrite(fd, b'x', 24_575)
result = [os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 16_500, os.SEEK_DATA), os.lseek(fd, 16_500, os.SEEK_HOLE), os.lseek(fd, 20_001, os.SEEK_HOLE)]
os.fsync(fd)
result += [os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 16_384, os.SEEK_HOLE), os.lseek(fd, 24_575, os.SEEK_HOLE)]`;
    const expected = [16_384, 16_500, 24_576, 24_576, 16_384, 24_576, 24_576];
    assert.equal(await site.probe.run(code, { path: site.at('file') }), expected);
  }),
  property(
    'allocating changes the modification and change times, with KEEP_SIZE and within the size too',
    async (site) => {
      const code = `
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.write(fd, b'x' * 10_000)
result = []
for mode, offset in [(0, 0), (KEEP_SIZE, 0), (KEEP_SIZE, 1_000_000), (KEEP_SIZE | PUNCH_HOLE, 0), (ZERO_RANGE, 0)]:
    os.utime(fd, ns=(1, 1))
    before = os.fstat(fd)
    time.sleep(0.02)
    fallocate(fd, mode, offset, 4096)
    after = os.fstat(fd)
    result.append([after.st_mtime_ns > 1, after.st_ctime_ns > before.st_ctime_ns, after.st_size])`;
      const outcome = await site.probe.run(code, { path: site.at('file') });
      assert.equal(outcome, Array(5).fill([true, true, 10_000]));
    },
  ),
  property('cp keeps a sparse file sparse', async (site) => {
    writeSparse(site);
    truncateSync(site.at('file'), 64 * 1024 * 1024);
    const code = "result = os.system(f'cp --sparse=auto {path} {path}-copy && cmp {path} {path}-copy')";
    assert.is(await site.probe.run(code, { path: site.at('file') }), 0);
    assert.ok(lstat(site.at('file-copy')).blocks * 512n <= BigInt(8 * BLOCK), 'blocks');
  }),
  property('allocating grows the file with zeros', async (site) => {
    writeFileSync(site.at('file'), 'text');
    await allocate(site, '0', 0, 100_000);
    assert.is(lstat(site.at('file')).size, 100_000n);
    expectContent(site.at('file'), Buffer.concat([Buffer.from('text'), Buffer.alloc(99_996)]));
  }),
  property('allocating with KEEP_SIZE leaves size and content', async (site) => {
    writeFileSync(site.at('file'), 'text');
    await allocate(site, 'KEEP_SIZE', 0, 100_000);
    expectContent(site.at('file'), 'text');
  }),
  property('punching a hole zeroes the range, keeps the size and frees the space', async (site) => {
    const bytes = pattern(16 * BLOCK);
    writeFileSync(site.at('file'), bytes);
    const blocks = lstat(site.at('file')).blocks;
    await allocate(site, 'PUNCH_HOLE | KEEP_SIZE', BLOCK, 14 * BLOCK);
    bytes.fill(0, BLOCK, 15 * BLOCK);
    expectContent(site.at('file'), bytes);
    assert.ok(lstat(site.at('file')).blocks < blocks, 'blocks');
  }),
  property('punching at odd offsets zeroes exactly the range', async (site) => {
    const bytes = pattern(100_000);
    writeFileSync(site.at('file'), bytes);
    await allocate(site, 'PUNCH_HOLE | KEEP_SIZE', 12_345, 54_321);
    bytes.fill(0, 12_345, 12_345 + 54_321);
    expectContent(site.at('file'), bytes);
  }),
  property('zeroing a range zeroes it, and grows the file where asked', async (site) => {
    const bytes = pattern(50_000);
    writeFileSync(site.at('file'), bytes);
    await allocate(site, 'ZERO_RANGE', 40_000, 20_000);
    expectContent(site.at('file'), Buffer.concat([bytes.subarray(0, 40_000), Buffer.alloc(20_000)]));
  }),
  property('allocating nothing or through a read-only descriptor fails', async (site) => {
    writeFileSync(site.at('file'), 'text');
    await expectProbeErrno('EINVAL', allocate(site, '0', 0, 0));
    const code = 'fallocate(os.open(path, os.O_RDONLY), 0, 0, 10)';
    await expectProbeErrno('EBADF', site.probe.run(code, { path: site.at('file') }));
  }),
  property('a file is written at 8 TiB and takes the space of what was written', (site) => {
    const fd = openSync(site.at('file'), 'w');
    const position = 8 * 1024 ** 4;
    writeSync(fd, 'far', position);
    closeSync(fd);
    assert.is(lstat(site.at('file')).size, BigInt(position) + 3n);
    assert.ok(lstat(site.at('file')).blocks * 512n <= BigInt(BLOCK), 'blocks');
  }),
  property('a grown and shrunk sparse file keeps its data', (site) => {
    const expected = writeSparse(site);
    const fd = openSync(site.at('file'), 'r+');
    ftruncateSync(fd, 1024 ** 4);
    ftruncateSync(fd, 3 * BLOCK);
    closeSync(fd);
    expectContent(site.at('file'), expected);
  }),
];
