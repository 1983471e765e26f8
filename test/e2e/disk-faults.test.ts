// A full, a failing and a slow disk below the state directory: callers get a clear errno, what was acknowledged stays,
// and when there is space again the same daemon goes on. DESIGN §3, Commit order; docs/design/0041.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CrashVolume } from '../support/crash/crash-volume.ts';
import { type DiskOperation, type Fault, FaultyDisk } from '../support/crash/faulty-disk.ts';
import { LoopDisk } from '../support/crash/loop-disk.ts';
import type { PowerDisk } from '../support/crash/power-disk.ts';
import { buildPrograms } from '../support/crash/programs.ts';
import { errorCodeOf, syncDirectory } from '../support/file-calls.ts';
import { waitFor } from '../support/process.ts';

const FILE_BYTES = 1_000_000;
const ATTEMPTS_MAX = 40;
const SLOW_MICROSECONDS = 2000;
const SYNCS_ON_SLOW_DISK = 10;

interface Subject<Disk extends PowerDisk> {
  readonly volume: CrashVolume;
  readonly disk: Disk;
  /** Writes and syncs a new file; what it was is checked in the end if this returns. */
  readonly save: () => void;
  /** Kills the daemon, mounts again and compares everything that was saved; then scrubs. */
  readonly verify: () => Promise<void>;
}

const withSubject = (body: (subject: Subject<FaultyDisk>) => Promise<void>) =>
  withSubjectOn((directory) => new FaultyDisk(directory), body);

const withSubjectOn =
  <Disk extends PowerDisk>(createDisk: (directory: string) => Disk, body: (subject: Subject<Disk>) => Promise<void>) =>
  async (): Promise<void> => {
    const directory = fs.mkdtempSync(join(tmpdir(), 'disk-faults-'));
    const disk = createDisk(directory);
    const volume = new CrashVolume(directory, disk);
    const saved = new Map<string, Buffer>();
    const save = (): void => {
      const path = join(volume.mountPoint, `file-${saved.size}-${randomBytes(4).toString('hex')}`);
      const content = randomBytes(FILE_BYTES);
      saveFile(path, content);
      saved.set(path, content);
    };
    const verify = async (): Promise<void> => {
      await volume.kill();
      await volume.start();
      for (const [path, content] of saved) assert.ok(fs.readFileSync(path).equals(content), path);
      const scrub = await volume.scrub();
      assert.is(scrub.state, 'done', scrub.reason);
      assert.equal(scrub.findings, []);
      assert.is((await volume.status()).state, 'ONLINE');
    };
    try {
      await volume.start();
      save();
      await body({ volume, disk, save, verify });
    } finally {
      await volume.close();
    }
  };

function saveFile(path: string, content: Buffer): void {
  const descriptor = fs.openSync(path, 'wx');
  try {
    fs.writeFileSync(descriptor, content);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Tries until one fails; gives its errno. */
function firstFailure(action: () => void): string | undefined {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const code = errorCodeOf(action);
    if (code !== undefined) return code;
  }
  return undefined;
}

const test = suite('disk faults');

test.before(async () => {
  await buildPrograms();
});

const FULL: readonly [string, readonly Omit<Fault, 'error'>[]][] = [
  ['everywhere', (['write', 'create', 'mkdir', 'allocate'] as const).map((operation) => ({ operation, pattern: '*' }))],
  ['for writes to the journal', [{ operation: 'write', pattern: '*/namespace.journal.*' }]],
  [
    'for a new journal',
    (['create', 'rename'] as const).map((operation) => ({ operation, pattern: '*/namespace.journal.*' })),
  ],
  ['for data', [{ operation: 'write', pattern: '*.data' }]],
  ['for space ahead of the data', [{ operation: 'allocate', pattern: '*.data' }]],
  ['for chunk tables', [{ operation: 'write', pattern: '*.chunks' }]],
];

for (const [where, faults] of FULL) {
  test(
    `a disk full ${where} is ENOSPC, and the daemon goes on when there is space again`,
    withSubject(async ({ volume, disk, save, verify }) => {
      for (const fault of faults) await disk.fail({ ...fault, error: 'ENOSPC' });
      assert.is(firstFailure(save), 'ENOSPC', volume.log());
      assert.is(errorCodeOf(save), 'ENOSPC', volume.log());
      fs.readdirSync(volume.mountPoint);
      await disk.clear();
      await waitFor('space to be noticed', () => (errorCodeOf(save) === undefined ? true : undefined), 10_000);
      assert.is((await volume.status()).state, 'ONLINE');
      await verify();
    }),
  );
}

const MIB = 1024 * 1024;
const IMAGE_BYTES = 480 * MIB;
/** Long enough that the data is flushed on the way (native/core/blob/segment_write.cc). */
const FLUSHED_MIB = 40;

/** Takes what is free of the disk but for this much. */
function fillDisk(path: string, leftBytes: number): void {
  const { bavail, bsize } = fs.statfsSync(dirname(path));
  const descriptor = fs.openSync(path, 'w');
  for (let left = bavail * bsize - leftBytes; left > 0; left -= MIB) {
    fs.writeSync(descriptor, Buffer.alloc(Math.min(MIB, left), 1));
  }
  fs.closeSync(descriptor);
}

test(
  'data leaves a reserve in which names go on; without it commits wait, and go on when there is space',
  withSubjectOn(
    (directory) => new LoopDisk(directory, 'ext4', IMAGE_BYTES),
    async ({ volume, disk, save, verify }) => {
      const [most, rest] = [join(disk.mountPoint, 'most'), join(disk.mountPoint, 'rest')];
      fillDisk(most, 40 * MIB);
      assert.is(firstFailure(save), 'ENOSPC', volume.log());
      const makeDirectory = (): void => {
        fs.mkdtempSync(join(volume.mountPoint, 'directory-'));
        syncDirectory(volume.mountPoint);
      };
      for (let count = 0; count < ATTEMPTS_MAX; count++) makeDirectory();
      assert.is((await volume.status()).state, 'ONLINE');
      fillDisk(rest, 0);
      errorCodeOf(makeDirectory); // the journal may have room for it
      const reach = (state: string) =>
        waitFor(state, async () => {
          const status = await volume.status();
          return status.state === state ? status : undefined;
        });
      assert.match((await reach('DEGRADED')).reason, /full/);
      fs.rmSync(rest);
      makeDirectory();
      await reach('ONLINE');
      assert.is(errorCodeOf(save), 'ENOSPC');
      fs.rmSync(most);
      save();
      await verify();
    },
  ),
);

const NEW_SEGMENT: readonly [DiskOperation, string][] = [
  ['create', '*.chunks'],
  ['create', '*.data'],
  ['write', '*.chunks'],
];

for (const [operation, pattern] of NEW_SEGMENT) {
  test(
    `a disk too full for a new segment (${operation} of ${pattern}) is ENOSPC, and the segment is made later`,
    withSubject(async ({ volume, disk, save, verify }) => {
      await volume.kill();
      await volume.start(); // a new epoch, which has no segment yet
      await disk.fail({ operation, pattern, error: 'ENOSPC' });
      assert.is(firstFailure(save), 'ENOSPC', volume.log());
      await disk.clear();
      save();
      await verify();
    }),
  );
}

const FAILED_SYNCS: readonly [string, Omit<Fault, 'error'>][] = [
  ['of the data', { operation: 'fsync', pattern: '*.data', times: 1 }],
  ['of the chunk table', { operation: 'fsync', pattern: '*.chunks', times: 1 }],
  ['of the namespace', { operation: 'fsync', pattern: '*/namespace/*', times: 1 }],
];

for (const [what, fault] of FAILED_SYNCS) {
  test(
    `a failed fsync ${what} is EIO, is never tried again, and is told by the status`,
    withSubject(async ({ volume, disk, save, verify }) => {
      await disk.fail({ ...fault, error: 'EIO' });
      assert.is(firstFailure(save), 'EIO', volume.log());
      const before = (await disk.counts()).get('fsync');
      assert.match(String(errorCodeOf(save)), /^(EIO|EROFS)$/);
      assert.is((await disk.counts()).get('fsync'), before, 'it was synced again');
      const { state, reason } = await volume.status();
      assert.is(state, 'READ_ONLY');
      assert.match(reason, /cannot be (synced|written)/);
      await volume.cutPower(1);
      await volume.start();
      save();
      await verify();
    }),
  );
}

test(
  'a flush that fails while a long write goes on is EIO at its fsync',
  withSubject(async ({ volume, disk, save, verify }) => {
    const descriptor = fs.openSync(join(volume.mountPoint, 'long'), 'wx');
    try {
      fs.fsyncSync(descriptor); // no commit begins any more until the next fsync
      await disk.fail({ operation: 'fsync', pattern: '*.data', error: 'EIO', times: 1 });
      const before = (await disk.counts()).get('fsync') ?? 0;
      for (let count = 0; count < FLUSHED_MIB; count++) fs.writeSync(descriptor, randomBytes(MIB));
      await waitFor('the flush', async () => ((await disk.counts()).get('fsync') ?? 0) > before || undefined, 10_000);
      assert.is((await volume.status()).state, 'ONLINE');
      assert.is(
        errorCodeOf(() => fs.fsyncSync(descriptor)),
        'EIO',
        volume.log(),
      );
      assert.is((await volume.status()).state, 'READ_ONLY');
    } finally {
      fs.closeSync(descriptor);
    }
    await volume.cutPower(1);
    await volume.start();
    save();
    await verify();
  }),
);

/** The last: somebody else took the space that a commit had seen free. */
const FAILED_WRITES: readonly [string, Fault][] = [
  ['of the data', { operation: 'write', pattern: '*.data', error: 'EIO' }],
  ['of the chunk table', { operation: 'write', pattern: '*.chunks', error: 'EIO' }],
  ['of the journal', { operation: 'write', pattern: '*/namespace.journal.*', error: 'EIO' }],
  ['of the namespace', { operation: 'write', pattern: '*/namespace/*', error: 'EIO' }],
  ['of the namespace for space', { operation: 'write', pattern: '*/namespace/*', error: 'ENOSPC' }],
];

for (const [what, fault] of FAILED_WRITES) {
  test(
    `a failed write ${what} is EIO, and what was saved before is there after the next mount`,
    withSubject(async ({ volume, disk, save, verify }) => {
      await disk.fail(fault);
      assert.is(firstFailure(save), 'EIO', volume.log());
      await disk.clear();
      await volume.cutPower(2);
      await volume.start();
      save();
      await verify();
    }),
  );
}

test(
  'on a slow disk everything is slower and nothing else',
  withSubject(async ({ disk, save, verify }) => {
    await disk.delay('*', '*', SLOW_MICROSECONDS);
    for (let count = 0; count < SYNCS_ON_SLOW_DISK; count++) save();
    await disk.clear();
    await verify();
  }),
);

test.run();
