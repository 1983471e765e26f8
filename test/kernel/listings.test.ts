// What directories list on the real kernel, which keeps small listings: nothing is asked twice, nothing is shown stale,
// and an entry neither repeats nor goes missing, whoever reads beside the reader and whatever the kernel has dropped.
import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { run, runChecked, waitFor } from '../support/process.ts';
import { type ServedMount, suiteOfMount } from '../support/served-mount.ts';

const listings = suiteOfMount('listings of a mount');

const INVALIDATION_MS = 200;
const LOOKUP_LIMIT_MS = 2000;
const FEW = ['a', 'b', 'c', 'e', 'f', 'g'];

/** A directory `d` of files, whose names the kernel has. */
function makeDirectory(served: ServedMount, names: readonly string[]): string {
  const directory = served.path('d');
  mkdirSync(directory);
  for (const name of names) writeFileSync(`${directory}/${name}`, '');
  return directory;
}

async function requestsOf(served: ServedMount, act: () => void): Promise<number> {
  const { requests = 0 } = await served.counters();
  act();
  return ((await served.counters())['requests'] ?? 0) - requests;
}

/** Until the kernel keeps the listing: one tells that the directory is small, the next is kept. */
function listUntilKept(directory: string): void {
  for (let i = 0; i < 3; i++) readdirSync(directory);
}

listings('a small directory is read again without JavaScript, a large one is not', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  listUntilKept(directory);
  assert.is(await requestsOf(served, () => assert.equal(readdirSync(directory).sort(), FEW)), 0);
  for (let i = 0; i < 100; i++) writeFileSync(`${directory}/${i}`, '');
  listUntilKept(directory);
  const asked = await requestsOf(served, () => assert.is(readdirSync(directory).length, 106));
  assert.ok(asked >= 2, `${asked} requests`);
});

listings('of a directory made here the first listing is kept', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  readdirSync(directory);
  assert.is(await requestsOf(served, () => assert.equal(readdirSync(directory).sort(), FEW)), 0);
});

listings('a kept listing shows each change of names at once', ({ served }) => {
  const directory = makeDirectory(served, FEW);
  const other = served.path('other');
  mkdirSync(other);
  const expectListed = (...names: string[]): void => {
    for (let i = 0; i < 3; i++) assert.equal(readdirSync(directory).sort(), names.sort());
  };
  expectListed(...FEW);
  writeFileSync(`${directory}/h`, '');
  expectListed(...FEW, 'h');
  unlinkSync(`${directory}/a`);
  expectListed('b', 'c', 'e', 'f', 'g', 'h');
  renameSync(`${directory}/b`, `${directory}/z`);
  expectListed('c', 'e', 'f', 'g', 'h', 'z');
  renameSync(`${directory}/c`, `${other}/c`);
  mkdirSync(`${directory}/k`);
  expectListed('e', 'f', 'g', 'h', 'k', 'z');
  renameSync(`${other}/c`, `${directory}/z`);
  rmdirSync(`${directory}/k`);
  expectListed('e', 'f', 'g', 'h', 'z');
  assert.equal(readdirSync(other), []);
});

listings('a kept listing of a directory that moved has its new parent', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  listUntilKept(directory);
  mkdirSync(served.path('elsewhere'));
  renameSync(directory, served.path('elsewhere/d'));
  const listed = await runChecked('python3', ['-c', GETDENTS, served.path('elsewhere/d'), 'inode of ..']);
  assert.is(listed.trim(), String(statSync(served.path('elsewhere')).ino));
});

listings('what a peer makes is listed, though the directory has no newer time', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  listUntilKept(directory);
  served.send(`create remote ${statSync(directory).ino}`);
  await waitFor('the new name', () => (readdirSync(directory).includes('remote') ? true : undefined));
});

listings('a listing that was on its way while a peer made a name is not kept', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  listUntilKept(directory);
  writeFileSync(`${directory}/h`, ''); // what the kernel keeps is of before
  const inode = statSync(directory).ino;
  served.send('hold-listing');
  await served.line((line) => line === 'awaits a listing');
  const reader = run('ls', [directory]);
  await served.line((line) => line === 'held');
  served.send(`create remote ${inode}`);
  await delay(INVALIDATION_MS); // it waits in the kernel for the reader, and so does who opens the directory next
  const next = run('ls', [directory]);
  await delay(INVALIDATION_MS);
  served.send('release-listing');
  assert.not.match((await reader).stdout, 'remote');
  assert.match((await next).stdout, 'remote');
  for (let i = 0; i < 3; i++) assert.ok(readdirSync(directory).includes('remote'), `listing ${i}`);
});

listings('a name is looked up while its directory is being listed', async ({ served }) => {
  const directory = makeDirectory(served, FEW);
  served.send('hold-listing');
  await served.line((line) => line === 'awaits a listing');
  const reader = run('ls', [directory]);
  await served.line((line) => line === 'held');
  let isListed = false;
  const released = delay(LOOKUP_LIMIT_MS).then(() => {
    isListed = true;
    served.send('release-listing');
  });
  await run('stat', [`${directory}/missing`]);
  assert.not.ok(isListed);
  await Promise.all([released, reader]);
});

for (const event of ['pages dropped', 'read by another']) {
  listings(`a reader goes on where it was, though its last name is gone: ${event}`, async ({ served }) => {
    const directory = makeDirectory(served, FEW);
    listUntilKept(directory);
    const listed = await runChecked('python3', ['-c', GETDENTS, directory, event]);
    assert.equal(listed.trim().split(' ').sort(), FEW);
  });
}

listings(
  'a reader goes on behind entries that were removed before it asked for their attributes',
  async ({ served }) => {
    const count = 800;
    const directory = makeDirectory(
      served,
      Array.from({ length: count }, (_, index) => `file-${index}`),
    );
    await runChecked('sh', ['-c', 'echo 2 > /proc/sys/vm/drop_caches']);
    const listed = await runChecked('python3', ['-c', OVERTAKEN, directory]);
    assert.match(listed, `file-${count - 1} `);
  },
);

const LARGE = Array.from({ length: 1000 }, (_, index) => `file-${index}`);
const SUBDIRECTORIES = 230;
const FEW_REQUESTS = 10;

/** Directories of a thousand files, `file-7` of 7 bytes; the kernel has forgotten all of them. */
async function makeLargeDirectories(served: ServedMount, ...names: string[]): Promise<string[]> {
  const directories = names.map((name) => served.path(name));
  for (const directory of directories) {
    mkdirSync(directory);
    for (const [bytes, name] of LARGE.entries()) writeFileSync(`${directory}/${name}`, Buffer.alloc(bytes));
  }
  await forgetAll(served);
  return directories;
}

/** Those that somebody uses at that moment stay, so again and again. */
async function forgetAll(served: ServedMount): Promise<void> {
  await waitFor('the kernel to forget', async () => {
    await runChecked('sh', ['-c', 'echo 2 > /proc/sys/vm/drop_caches']);
    return (await heldBy(served)) === 0 ? true : undefined;
  });
}

const heldBy = async (served: ServedMount): Promise<number> => (await served.counters())['held'] ?? 0;

/** How many entries get their attributes with the first buffer: of a page or of 32 KiB, as the kernel reads. */
async function countFirstEntries(served: ServedMount, directory: string): Promise<number> {
  await runChecked('python3', ['-c', 'import os, sys; os.listdir(sys.argv[1])', directory]);
  const first = (await heldBy(served)) - 1; // the directory itself
  await forgetAll(served);
  assert.ok(first > 10 && first < LARGE.length / 2, `${first} entries`);
  return first;
}

listings('who looks at what it lists gets it with the listing from the second directory on', async ({ served }) => {
  const directories = await makeLargeDirectories(served, 'd', 'e');
  const first = await countFirstEntries(served, served.path('d'));
  const { requests = 0 } = await served.counters();
  const sizes = await runChecked('python3', ['-c', LIST_AND_STAT, ...directories]);
  const asked = ((await served.counters())['requests'] ?? 0) - requests;
  const expected = LARGE.map((name, bytes) => `${name} ${bytes}`).sort();
  assert.equal(sizes.trim().split('\n'), [...expected, ...expected]);
  const lookups = LARGE.length - first;
  const others = 2 * Math.ceil(LARGE.length / first) + FEW_REQUESTS;
  assert.ok(asked >= lookups && asked <= lookups + others, `${asked} requests, ${first} entries in the first buffer`);
});

listings(
  'who wants names alone gets the attributes of first entries alone, also in a deep tree',
  async ({ served }) => {
    mkdirSync(served.path('tree'));
    for (let index = 0; index < SUBDIRECTORIES; index++) mkdirSync(served.path(`tree/${index}`));
    const [large = ''] = await makeLargeDirectories(served, 'tree/large', 'tree/larger');
    const first = await countFirstEntries(served, large);
    const found = await runChecked('find', [served.path('tree')]);
    assert.is(found.trim().split('\n').length, 1 + SUBDIRECTORIES + 2 + 2 * LARGE.length);
    const held = await heldBy(served);
    const most = 1 + SUBDIRECTORIES + 2 + 2 * first + FEW_REQUESTS;
    assert.ok(held >= 2 * first && held <= most, `${held} looked up, ${first} entries in the first buffer`);
  },
);

listings('behind the first buffer, a listing looks up nothing that the kernel has', async ({ served }) => {
  const directories = await makeLargeDirectories(served, 'd', 'e');
  const first = await countFirstEntries(served, served.path('d'));
  await runChecked('python3', ['-c', LIST_AND_STAT, ...directories, ...directories]);
  const held = await heldBy(served);
  const most = 2 * LARGE.length + 2 * first + FEW_REQUESTS;
  assert.ok(held >= 2 * LARGE.length && held <= most, `${held} looked up, ${first} entries in the first buffer`);
});

/** Prints name and size of each, a directory at a time. */
const LIST_AND_STAT = `
import os, sys
for path in sys.argv[1:]:
    for name in sorted(os.listdir(path)): print(name, os.stat(path + '/' + name).st_size)
`;

/** Prints the names; behind the first some, whose status it asks for, it removes what comes next, then goes on. */
const OVERTAKEN = `
import os, sys
path = sys.argv[1]
entries, seen = os.scandir(path), []
for entry in entries:
    if len(seen) < 10: entry.stat()
    seen.append(entry.name)
    if len(seen) == 10:
        for index in range(10, 790): os.unlink(path + f'/file-{index}')
print(' '.join(seen), '')
`;

/** Prints the names, read by few bytes at a time; after the first some, what the second argument says happens. */
const GETDENTS = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
path, event = sys.argv[1:]
buffer = ctypes.create_string_buffer(60)
descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
names, happened = [], False
while True:
    length = libc.getdents64(descriptor, buffer, len(buffer))
    if length < 0: raise OSError(ctypes.get_errno(), 'getdents64')
    if length == 0: break
    at = 0
    while at < length:
        end = at + int.from_bytes(buffer.raw[at + 16:at + 18], 'little')
        name = buffer.raw[at + 19:end].split(b'\\0')[0].decode()
        inode = int.from_bytes(buffer.raw[at:at + 8], 'little')
        if event == 'inode of ..' and name == '..': print(inode)
        elif name not in ('.', '..'): names.append(name)
        at = end
    if len(names) >= 3 and not happened and event != 'inode of ..':
        happened = True
        for name in (names[0], names[-1]): os.unlink(path + '/' + name)
        if event == 'pages dropped': open('/proc/sys/vm/drop_caches', 'w').write('1')
        if event == 'read by another':
            for i in range(3): os.listdir(path)
if event != 'inode of ..': print(' '.join(names))
`;

listings.run();
