// The faulty disk itself: what the crash tests conclude from it holds only if it keeps what was synced, loses what was
// not, and is otherwise a filesystem like others.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultyDisk } from '../support/crash/faulty-disk.ts';
import { buildPrograms } from '../support/crash/programs.ts';
import { errorCodeOf, syncDirectory } from '../support/file-calls.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';

const CUTS = 40;
const MIB = 1024 * 1024;

const SECTORS = 64;
const OLD = Buffer.alloc(SECTORS * 512, 'old');
const NEW = Buffer.alloc(SECTORS * 512, 'NEW');

const random = seededRandom(seedOfRun());

const withDisk = (body: (disk: FaultyDisk) => Promise<void>) => async (): Promise<void> => {
  const disk = new FaultyDisk(fs.mkdtempSync(join(tmpdir(), 'faulty-disk-')));
  await disk.start();
  try {
    await body(disk);
  } finally {
    await disk.close();
  }
};

function write(path: string, content: Buffer, options: { sync: boolean; flags?: string; position?: number }): void {
  const descriptor = fs.openSync(path, options.flags ?? 'w');
  fs.writeSync(descriptor, content, 0, content.length, options.position ?? 0);
  if (options.sync) fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

/** Each sector is the old or the new one. */
function outcomeOf(found: Buffer): 'lost' | 'kept' | 'torn' {
  let changed = 0;
  for (let sector = 0; sector < SECTORS; sector++) {
    const [bytes, before, after] = [found, OLD, NEW].map((content) =>
      content.subarray(sector * 512, sector * 512 + 512),
    );
    if (bytes?.equals(before ?? NEW)) continue;
    assert.ok(bytes?.equals(after ?? OLD), `sector ${sector} is neither`);
    changed += 1;
  }
  if (changed === 0) return 'lost';
  return changed === SECTORS ? 'kept' : 'torn';
}

const test = suite('faulty disk');

test.before(async () => {
  await buildPrograms();
});

test(
  'synced bytes are there after every cut, and unsynced ones are lost, kept or torn by sectors',
  withDisk(async (disk) => {
    const file = join(disk.mountPoint, 'file');
    const outcomes = new Set<string>();
    for (let cut = 0; cut < CUTS; cut++) {
      write(file, OLD, { sync: true });
      syncDirectory(disk.mountPoint);
      write(file, NEW, { sync: false, flags: 'r+' });
      await disk.cut(random.below(2 ** 31));
      outcomes.add(outcomeOf(fs.readFileSync(file)));
    }
    assert.equal([...outcomes].sort(), ['kept', 'lost', 'torn']);
  }),
);

test(
  'names that no fsync reached are lost from some moment on, and a replaced file comes back',
  withDisk(async (disk) => {
    const outcomes = new Set<string>();
    for (let cut = 0; cut < CUTS; cut++) {
      const [target, source] = [join(disk.mountPoint, 'target'), join(disk.mountPoint, 'source')];
      write(target, Buffer.from('old'), { sync: true });
      write(source, Buffer.from('new'), { sync: true });
      syncDirectory(disk.mountPoint);
      fs.renameSync(source, target);
      fs.writeFileSync(join(disk.mountPoint, 'later'), '');
      await disk.cut(random.below(2 ** 31));
      const isRenamed = fs.readFileSync(target, 'utf8') === 'new';
      const isLater = fs.existsSync(join(disk.mountPoint, 'later'));
      assert.is(fs.existsSync(source), !isRenamed, 'the rename is whole or not there');
      assert.ok(isRenamed || !isLater, 'a later change is not there without the earlier one');
      outcomes.add(`${isRenamed} ${isLater}`);
      fs.rmSync(join(disk.mountPoint, 'later'), { force: true });
    }
    assert.is(outcomes.size, 3);
  }),
);

test(
  'an fsync that fails loses its bytes for good, although they can be read and a later fsync succeeds',
  withDisk(async (disk) => {
    const file = join(disk.mountPoint, 'file');
    write(file, Buffer.alloc(4096, 'old'), { sync: true });
    syncDirectory(disk.mountPoint);
    await disk.fail({ operation: 'fsync', pattern: '/file', error: 'EIO', times: 1 });
    const descriptor = fs.openSync(file, 'r+');
    fs.writeSync(descriptor, Buffer.alloc(4096, 'new'), 0, 4096, 0);
    assert.is(
      errorCodeOf(() => fs.fsyncSync(descriptor)),
      'EIO',
    );
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
    assert.ok(fs.readFileSync(file).equals(Buffer.alloc(4096, 'new')));
    await disk.cut(random.below(2 ** 31));
    assert.ok(fs.readFileSync(file).equals(Buffer.alloc(4096, 'old')));
  }),
);

test(
  'a full disk takes half of a write and then nothing, until there is space again',
  withDisk(async (disk) => {
    const file = join(disk.mountPoint, 'file');
    const descriptor = fs.openSync(file, 'w');
    await disk.fail({ operation: 'write', pattern: '*', error: 'ENOSPC' });
    const taken = fs.writeSync(descriptor, Buffer.alloc(MIB));
    assert.ok(taken > 0 && taken < MIB, `${taken} bytes`);
    assert.is(
      errorCodeOf(() => fs.writeSync(descriptor, Buffer.alloc(1000))),
      'ENOSPC',
    );
    await disk.clear();
    assert.is(fs.writeSync(descriptor, Buffer.alloc(MIB)), MIB);
    fs.closeSync(descriptor);
  }),
);

test(
  'a mapped file shows what is written to it, and what is written to the map is in the file',
  withDisk(async (disk) => {
    const script = `
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.pwrite(fd, b'a' * 8192, 0)
shared = mmap.mmap(fd, 8192)
os.pwrite(fd, b'b' * 4096, 4096)
assert shared[4096:8192] == b'b' * 4096
shared[0:4096] = b'c' * 4096
shared.flush()
assert os.pread(fd, 8192, 0) == b'c' * 4096 + b'b' * 4096
os.fsync(fd)
`;
    const file = join(disk.mountPoint, 'mapped');
    const { status, stderr } = spawnSync('python3', ['-c', script, file], { encoding: 'utf8' });
    assert.is(status, 0, stderr);
    await disk.cut(random.below(2 ** 31));
    assert.ok(fs.readFileSync(file).equals(Buffer.concat([Buffer.alloc(4096, 'c'), Buffer.alloc(4096, 'b')])));
  }),
);

test.run();
