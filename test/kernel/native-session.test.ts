// The libfuse3 session against the real kernel: what is cached is invalidated, what ends ends cleanly.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fchownSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { findMount } from '../../mount/mountinfo.ts';
import { isMounted } from '../support/mounts.ts';
import { ended, run, runChecked, waitFor } from '../support/process.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { suiteOfMount } from '../support/served-mount.ts';

const session = suiteOfMount('libfuse3 session');

const FORGET_PAGES =
  'import os, sys; os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)';

const RENAME_WITH_WHITEOUT =
  'import ctypes, sys; old, new = map(str.encode, sys.argv[1:]); ' +
  'sys.exit(ctypes.CDLL(None).renameat2(-100, old, -100, new, 4) != 0)';

/** The kernel forgets the names and attributes that nobody uses. */
const dropCaches = (): void => writeFileSync('/proc/sys/vm/drop_caches', '2');

const errorCode = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
};

session('bytes written come back, by another descriptor and after closing', ({ served }) => {
  const bytes = Buffer.alloc(3_000_001, 'packetfs');
  writeFileSync(served.path('a'), bytes);
  assert.ok(readFileSync(served.path('a')).equals(bytes));
  assert.is(statSync(served.path('a')).size, bytes.length);
});

session('a large read of what the page cache below has goes through a pipe, and is right', async ({ served }) => {
  const bytes = Buffer.alloc(3_000_001);
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
  const holed = Buffer.concat([bytes, Buffer.alloc(1_000_000), bytes]);
  writeFileSync(served.path('a'), bytes);
  writeFileSync(served.path('holed'), holed);
  const { spliced = 0 } = await served.counters();
  for (const name of ['a', 'holed']) await runChecked('python3', ['-c', FORGET_PAGES, served.path(name)]);
  assert.ok(readFileSync(served.path('a')).equals(bytes));
  const once = ((await served.counters())['spliced'] ?? 0) - spliced;
  assert.ok(once >= 3, `${once} answers`);
  assert.ok(readFileSync(served.path('holed')).equals(holed));
});

session('size and blocks of a file show what is written before it is closed', ({ served }) => {
  const fd = openSync(served.path('a'), 'w');
  writeSync(fd, 'x'.repeat(5000));
  assert.is(statSync(served.path('a')).size, 5000);
  assert.ok(statSync(served.path('a')).blocks > 0);
  closeSync(fd);
  assert.is(statSync(served.path('a')).size, 5000);
});

session('what the kernel asks after a creation is known without JavaScript', async ({ served }) => {
  mkdirSync(served.path('d'));
  const foreknownBefore = (await served.counters())['foreknown'] ?? 0;
  for (const name of ['a', 'b', 'c', 'e']) writeFileSync(served.path(`d/${name}`), 'x');
  const foreknown = ((await served.counters())['foreknown'] ?? 0) - foreknownBefore;
  assert.ok(foreknown >= 7, `capabilities of 4 files and attributes of 3 directories, not ${foreknown}`);
});

session('what a new file is asked after it is written is known without JavaScript', async ({ served }) => {
  mkdirSync(served.path('d'));
  const { requests = 0 } = await served.counters();
  const fd = openSync(served.path('d/a'), 'wx');
  writeSync(fd, 'text');
  assert.is(fstatSync(fd).size, 4);
  assert.is((await served.counters())['requests'], requests + 1);
  closeSync(fd);
});

session('each change of owner has a time of its own, to the same one and just after it was looked at', ({ served }) => {
  const fd = openSync(served.path('a'), 'wx');
  const changedAt = (): bigint => fstatSync(fd, { bigint: true }).ctimeNs;
  const { uid, gid } = fstatSync(fd);
  for (let times = 0; times < 20; times++) {
    const before = changedAt();
    fchownSync(fd, uid, gid);
    assert.ok(changedAt() > before, 'as on ext4 since Linux 6.13');
  }
  closeSync(fd);
});

session('in a new directory nothing but the creations goes to JavaScript', async ({ served }) => {
  mkdirSync(served.path('d'));
  const { requests = 0 } = await served.counters();
  for (const name of ['a', 'b', 'c', 'e']) closeSync(openSync(served.path(`d/${name}`), 'wx'));
  assert.is((await served.counters())['requests'], requests + 4);
  renameSync(served.path('d/a'), served.path('d/f'));
  unlinkSync(served.path('d/f'));
  assert.is((await served.counters())['requests'], requests + 6);
});

session('a name that came to a new directory is found there', async ({ served }) => {
  mkdirSync(served.path('d'));
  const absent = (name: string) => errorCode(() => statSync(served.path(`d/${name}`))) === 'ENOENT';
  assert.ok(absent('a') && absent('b') && absent('c') && absent('e') && absent('remote'));
  writeFileSync(served.path('outside'), 'x');
  writeFileSync(served.path('d/a'), 'x');
  renameSync(served.path('outside'), served.path('d/b'));
  linkSync(served.path('d/a'), served.path('d/c'));
  symlinkSync('a', served.path('d/e'));
  assert.not.ok(absent('a') || absent('b') || absent('c') || absent('e'));
  served.send(`create remote ${statSync(served.path('d')).ino}`);
  await waitFor('the remote file', () => (absent('remote') ? undefined : true));
});

session('a name that was removed is known to be missing until it is made again', async ({ served }) => {
  mkdirSync(served.path('d'));
  const entry = (name: string) => served.path(`d/${name}`);
  const requestsOf = async (act: () => void): Promise<number> => {
    const { requests = 0 } = await served.counters();
    act();
    return ((await served.counters())['requests'] ?? 0) - requests;
  };
  const isMissing = (name: string) => errorCode(() => statSync(entry(name))) === 'ENOENT';
  for (const name of ['a', 'b', 'c']) writeFileSync(entry(name), '');
  unlinkSync(entry('a'));
  renameSync(entry('b'), entry('c'));
  mkdirSync(entry('e'));
  rmdirSync(entry('e'));
  assert.is(await requestsOf(() => assert.ok(isMissing('a') && isMissing('b') && isMissing('e'))), 0);
  writeFileSync(entry('a'), '');
  linkSync(entry('a'), entry('b'));
  renameSync(entry('c'), entry('e'));
  assert.not.ok(isMissing('a') || isMissing('b') || isMissing('e'));
  assert.ok(isMissing('c'));
});

session('a directory that was there before learns which names it lost', async ({ served }) => {
  mkdirSync(served.path('d'));
  for (const name of ['a', 'b']) writeFileSync(served.path(`d/${name}`), '');
  dropCaches();
  renameSync(served.path('d/a'), served.path('d/c'));
  renameSync(served.path('d/c'), served.path('d/a'));
  const { requests } = await served.counters();
  assert.is(
    errorCode(() => statSync(served.path('d/c'))),
    'ENOENT',
  );
  assert.is((await served.counters())['requests'], requests);
  assert.ok(statSync(served.path('d/a')).isFile() && statSync(served.path('d/b')).isFile());
});

session('a rename that leaves something under the old name leaves it visible', async ({ served }) => {
  mkdirSync(served.path('d'));
  writeFileSync(served.path('d/a'), 'x');
  await runChecked('python3', ['-c', RENAME_WITH_WHITEOUT, served.path('d/a'), served.path('d/b')]);
  assert.is(readFileSync(served.path('d/b'), 'utf8'), 'x');
  assert.ok(statSync(served.path('d/a')).isCharacterDevice());
});

session('names are what the directory lists, whatever was done to them', ({ served }) => {
  const { below } = seededRandom(seedOfRun());
  const oneOf = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    assert.ok(item !== undefined);
    return item;
  };
  const directories = ['d', 'e'].map((name) => served.path(name));
  for (const directory of directories) mkdirSync(directory);
  const names = ['a', 'b', 'c', 'f'];
  const place = () => join(oneOf(directories), oneOf(names));
  const actions = [
    () => closeSync(openSync(place(), 'w')),
    () => unlinkSync(place()),
    () => renameSync(place(), place()),
    () => linkSync(place(), place()),
    () => mkdirSync(place()),
    () => rmdirSync(place()),
    () => void statSync(place()),
  ];
  for (let step = 0; step < 3000; step++) {
    errorCode(oneOf(actions));
    const directory = oneOf(directories);
    const name = oneOf(names);
    const isFound = errorCode(() => statSync(join(directory, name))) === undefined;
    assert.is(isFound, readdirSync(directory).includes(name), `step ${step}: ${name}`);
  }
});

session('the attributes of a directory follow each change in it', ({ served }) => {
  mkdirSync(served.path('d'));
  mkdirSync(served.path('other'));
  const times = () => ['d', 'other'].map((name) => statSync(served.path(name), { bigint: true }).mtimeNs);
  const changes = (act: () => void) => {
    const before = times();
    act();
    return times().map((time, index) => time !== before[index]);
  };
  const inBoth = [true, true];
  const inFirst = [true, false];
  assert.equal(
    changes(() => writeFileSync(served.path('d/a'), '')),
    inFirst,
  );
  assert.equal(
    changes(() => linkSync(served.path('d/a'), served.path('d/b'))),
    inFirst,
  );
  assert.equal(
    changes(() => symlinkSync('a', served.path('d/c'))),
    inFirst,
  );
  assert.equal(
    changes(() => mkdirSync(served.path('d/e'))),
    inFirst,
  );
  assert.equal(
    changes(() => renameSync(served.path('d/a'), served.path('other/a'))),
    inBoth,
  );
  assert.equal(
    changes(() => rmdirSync(served.path('d/e'))),
    inFirst,
  );
  assert.equal(
    changes(() => unlinkSync(served.path('d/b'))),
    inFirst,
  );
});

session('a capability set on a new open file is seen', async ({ served }) => {
  const fd = openSync(served.path('b'), 'w');
  // cap_net_raw=ep, as setcap(8) writes it
  const value = '0100000200200000000000000000000000000000';
  await runChecked('setfattr', ['-n', 'security.capability', '-v', `0x${value}`, served.path('b')]);
  const shown = await runChecked('getfattr', ['-e', 'hex', '-n', 'security.capability', served.path('b')]);
  closeSync(fd);
  assert.match(shown, value);
});

session(
  'others than the owner of the root walk through it without JavaScript, until it has an access list',
  async ({ served }) => {
    chmodSync(dirname(served.mountPoint), 0o755);
    const asNobody = async (): Promise<number | undefined> =>
      (await run('setpriv', ['--reuid=65534', '--clear-groups', 'stat', served.path('a')])).code;
    writeFileSync(served.path('a'), 'x');
    assert.is(await asNobody(), 0);
    const { requests = 0 } = await served.counters();
    for (let time = 0; time < 5; time += 1) assert.is(await asNobody(), 0);
    assert.is((await served.counters())['requests'] ?? 0, requests);
    await runChecked('setfacl', ['-m', 'u:65534:---', served.mountPoint]);
    assert.is(await asNobody(), 1, 'the list is asked for');
    await runChecked('setfacl', ['-b', served.mountPoint]);
    assert.is(await asNobody(), 0);
  },
);

session('a remote creation shows although its absence was cached', async ({ served }) => {
  assert.is(
    errorCode(() => statSync(served.path('remote'))),
    'ENOENT',
  );
  const { requests } = await served.counters();
  assert.is(
    errorCode(() => statSync(served.path('remote'))),
    'ENOENT',
  );
  assert.is((await served.counters())['requests'], requests, 'the absence was not cached');
  served.send('create remote');
  await waitFor('the remote file', () =>
    errorCode(() => statSync(served.path('remote'))) === undefined ? true : undefined,
  );
});

session('a remote change of attributes shows although they were cached', async ({ served }) => {
  writeFileSync(served.path('a'), 'x', { mode: 0o644 });
  const { ino } = statSync(served.path('a'));
  served.send(`chmod ${ino}`);
  await waitFor('the remote mode', () => ((statSync(served.path('a')).mode & 0o777) === 0o600 ? true : undefined));
});

session('invalidations under load of lookups in the same directory do not deadlock', async ({ served }) => {
  const names = Array.from({ length: 200 }, (_unused, index) => `name${index}`);
  const script = `for round in 1 2 3 4 5; do for i in ${names.join(' ')}; do [ -e ${served.mountPoint}/$i ]; done; done`;
  const lookups = run('sh', ['-c', script]);
  for (const name of names) served.send(`create ${name}`);
  assert.is((await lookups).code, 0);
  await waitFor('all entries', () => (readdirSync(served.mountPoint).length === names.length ? true : undefined));
});

session('the kernel gives back what it looked up', async ({ served }) => {
  mkdirSync(served.path('d'));
  for (let index = 0; index < 100; index++) writeFileSync(served.path(`d/${index}`), '');
  await runChecked('ls', ['-la', served.path('d')]);
  assert.ok(((await served.counters())['held'] ?? 0) >= 101);
  rmSync(served.path('d'), { recursive: true });
  await waitFor('forgets', async () => (((await served.counters())['held'] ?? 1) <= 1 ? true : undefined));
});

session('requests arrive in batches when many come at once', async ({ served }) => {
  mkdirSync(served.path('d'));
  const writers = [1, 2, 3, 4, 5, 6, 7, 8].map((writer) =>
    run('sh', ['-c', `for i in $(seq 100); do : > ${served.path('d')}/${writer}-$i; done`]),
  );
  await Promise.all(writers);
  const counters = await served.counters();
  assert.is(readdirSync(served.path('d')).length, 800);
  assert.is(counters['requests'], counters['replies'], 'each request is answered once');
  assert.is(counters['strayReplies'], 0);
});

session('an external umount ends the session and the process', async ({ served }) => {
  writeFileSync(served.path('a'), 'x');
  await runChecked('umount', [served.mountPoint]);
  await served.line((line) => line === 'ended 0');
  assert.is(await served.exit(), 0);
});

session('an abort of the connection ends the session', async ({ served }) => {
  const device = findMount(served.mountPoint)?.device.split(':')[1] ?? '';
  const control = '/sys/fs/fuse/connections';
  const mountedHere = !readdirSync(control).includes(device);
  if (mountedHere) await runChecked('mount', ['-t', 'fusectl', 'fusectl', control]);
  try {
    writeFileSync(`${control}/${device}/abort`, '1');
    await served.line((line) => line.startsWith('ended'));
    assert.is(await served.exit(), 0);
  } finally {
    if (mountedHere) await runChecked('umount', [control]);
  }
});

session('stop is refused while a file is open, and by force it is not', async ({ served }) => {
  const fd = openSync(served.path('a'), 'w');
  served.send('stop');
  assert.match(await served.line((line) => line.startsWith('refused')), 'in use');
  writeSync(fd, 'still works');
  served.send('stop force');
  await served.line((line) => line === 'ended 0');
  assert.is(await served.exit(), 0);
  assert.not.ok(isMounted(served.mountPoint));
  assert.ok(['ENOTCONN', 'ECONNABORTED'].includes(String(errorCode(() => writeSync(fd, 'too late')))));
  errorCode(() => closeSync(fd));
});

session('process.exit with the mount in use leaves no mount and no core', async ({ served }) => {
  const fd = openSync(served.path('a'), 'w');
  const reader = spawn('sh', ['-c', `while ls ${served.mountPoint} >/dev/null 2>&1; do :; done`]);
  await delay(100);
  served.send('exit');
  assert.is(await served.exit(), 0);
  assert.not.ok(isMounted(served.mountPoint));
  reader.kill('SIGKILL');
  await ended(reader);
  errorCode(() => closeSync(fd));
});

session('an exception in the handler of requests ends the process, and nobody waits for ever', async ({ served }) => {
  served.send('throw');
  await served.line((line) => line === 'throws from now on');
  const { code } = await run('ls', ['-la', served.mountPoint]);
  assert.is.not(code, 0);
  assert.is(await served.exit(), 1);
  assert.not.ok(isMounted(served.mountPoint));
});

session('stop by force while readers and writers work ends in time', async ({ served }) => {
  writeFileSync(served.path('mounted'), '');
  const work = `echo x > ${served.mountPoint}/$1-$i && ls ${served.mountPoint}`;
  const script = `i=0; while [ -e ${served.path('mounted')} ] && ${work}; do i=$((i+1)); done >/dev/null 2>&1`;
  const workers = ['a', 'b', 'c'].map((name) => run('sh', ['-c', script, 'sh', name]));
  await delay(200);
  served.kill('SIGTERM');
  assert.is(await served.exit(), 0);
  await Promise.all(workers);
});

session.run();
