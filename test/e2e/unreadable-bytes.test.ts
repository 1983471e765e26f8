// A disk that does not give the middle of a file back, whose ends the page cache still has: the reader is told so, and
// neither sees an end of the file nor zeros. DESIGN §4; docs/design/0068.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CrashVolume } from '../support/crash/crash-volume.ts';
import { FaultyDisk } from '../support/crash/faulty-disk.ts';
import { LoopDisk } from '../support/crash/loop-disk.ts';
import { buildPrograms } from '../support/crash/programs.ts';
import { runChecked } from '../support/process.ts';

const FILE_BYTES = 2 << 20;
const PAGE_BYTES = 4096;
/** Requests of the kernel begin and end at multiples of this. */
const REQUEST_BYTES_LEAST = 128 << 10;

const test = suite('unreadable bytes');

test.before(async () => {
  await buildPrograms();
});

test('what the disk does not give in the middle of a cached file is EIO, not its end', async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), 'unreadable-bytes-'));
  const lower = new FaultyDisk(directory);
  await lower.start();
  const disk = new LoopDisk(lower.mountPoint, 'ext4');
  const volume = new CrashVolume(directory, disk);
  try {
    await volume.start();
    const content = randomBytes(FILE_BYTES);
    const file = join(volume.mountPoint, 'file');
    fs.writeFileSync(file, content, { flush: true });
    await runChecked('sync', ['--file-system', disk.mountPoint]);
    const segment = (await runChecked('find', [disk.mountPoint, '-name', '*.data', '-size', '+1M'])).trim();
    await python(FORGET, file);
    await python(KEEP_ENDS, segment);
    await python(FORGET, join(lower.mountPoint, 'image'));
    await lower.fail({ operation: 'read', pattern: '*', error: 'EIO' });
    assert.is(await python(READ, file), `Input/output error, ${FILE_BYTES} bytes long`);
    await lower.clear();
    assert.ok(fs.readFileSync(file).equals(content));
  } finally {
    await lower.clear();
    await volume.close();
    await lower.close();
    fs.rmSync(directory, { recursive: true, force: true });
  }
});

const python = async (script: string, ...parameters: string[]): Promise<string> =>
  (await runChecked('python3', ['-c', script, ...parameters])).trim();

const FORGET = `
import os, sys
os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
`;

/** The page cache keeps the first and the last page of each request, of all that a segment has. */
const KEEP_ENDS = `
import os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
os.fsync(descriptor)
os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
for start in range(0, ${FILE_BYTES}, ${REQUEST_BYTES_LEAST}):
    for page in (start, start + ${REQUEST_BYTES_LEAST - PAGE_BYTES}): os.pread(descriptor, ${PAGE_BYTES}, page)
`;

const READ = `
import os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
try:
    while len(os.read(descriptor, 1 << 20)): pass
    outcome = 'end of file'
except OSError as error: outcome = error.strerror
print(f'{outcome}, {os.fstat(descriptor).st_size} bytes long')
`;

test.run();
