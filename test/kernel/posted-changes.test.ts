// Changes that the session answers without JavaScript: they are as lasting as those that JavaScript answers, and it does
// them in the order in which they were answered. The process that serves the mount can be kept from running JavaScript.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../src/addon/addon.ts';
import { decodeMutation, encodeMutation } from '../../src/namespace/journal-records.ts';
import { readJournals } from '../../src/volume/journal.ts';
import { unmountBelow } from '../support/mounts.ts';
import { ended, runChecked, waitFor } from '../support/process.ts';

const SERVER = fileURLToPath(new URL('../support/volume-mount.ts', import.meta.url));
/** Longer than everything that is done meanwhile. */
const HOLD_MS = 30_000;
/** Of which this is for what the test does. */
const MARGIN_MS = 10_000;
const SHORT_HOLD_MS = 1500;
const FILES = 40;
const OWNER = 1234;
const GROUP = 2345;

class VolumeMount {
  readonly directory = mkdtempSync(join(tmpdir(), 'pfs-posted-'));
  readonly mountPoint = join(this.directory, 'mnt');
  readonly stateDirectory = join(this.directory, 'state');
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: string[] = [];

  constructor() {
    mkdirSync(this.mountPoint);
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--import', 'tsx', SERVER, this.mountPoint, this.stateDirectory]);
    const lines: string[] = [];
    this.#lines = lines;
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    child.stderr.pipe(process.stderr);
    this.#child = child;
    await this.line('ready');
  }

  path(...names: readonly string[]): string {
    return join(this.mountPoint, ...names);
  }

  async line(wanted: string): Promise<void> {
    await waitFor(`the line "${wanted}"`, () => (this.#lines.includes(wanted) ? true : undefined));
  }

  async command(text: string, answer: string): Promise<void> {
    this.#child?.stdin.write(`${text}\n`);
    await this.line(answer);
  }

  async counters(): Promise<Record<string, number>> {
    const before = this.#lines.length;
    this.#child?.stdin.write('counters\n');
    const line = await waitFor('the counters', () => this.#lines.slice(before).find((text) => text.startsWith('{')));
    return JSON.parse(line) as Record<string, number>;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGKILL');
    await ended(child);
    await unmountBelow(this.directory);
    this.#child = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A directory in which the session may make files. */
function directoryWithFirstFile(mount: VolumeMount): string {
  const directory = mount.path('directory');
  mkdirSync(directory);
  writeFileSync(join(directory, 'first'), 'by JavaScript: the session has no numbers of inodes yet');
  return directory;
}

const contentOf = (index: number): string => `content ${index} `.repeat(index + 1);

/** As `cp -a` makes a file, and `tar`. */
function copyInto(directory: string, index: number): BigIntStats {
  const fd = openSync(
    join(directory, `file-${index}`),
    constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY,
    0o600,
  );
  writeSync(fd, contentOf(index));
  fchownSync(fd, OWNER, GROUP);
  fchmodSync(fd, 0o640);
  futimesSync(fd, 1_000_000 + index, 2_000_000 + index);
  const attributes = fstatSync(fd, { bigint: true });
  closeSync(fd);
  return attributes;
}

/** A close of a descriptor that is not the last one: a child inherits it, and ends. */
function closeInChild(fd: number): void {
  const { status } = spawnSync('true', { stdio: ['ignore', 'ignore', 'ignore', fd] });
  assert.is(status, 0);
}

function expectCopies(directory: string, copies: readonly BigIntStats[]): void {
  for (const [index, { ino, mode, uid, gid, size, atimeNs, mtimeNs, ctimeNs }] of copies.entries()) {
    const path = join(directory, `file-${index}`);
    const seen = statSync(path, { bigint: true });
    const told = { ino: seen.ino, mode: seen.mode, uid: seen.uid, gid: seen.gid, size: seen.size };
    assert.equal(told, { ino, mode, uid, gid, size }, path);
    assert.equal([seen.atimeNs, seen.mtimeNs, seen.ctimeNs], [atimeNs, mtimeNs, ctimeNs], path);
    assert.is(readFileSync(path, 'utf8'), contentOf(index), path);
  }
}

const test = suite<{ mount: VolumeMount }>('changes that are posted to JavaScript');
test.before.each(async (context) => {
  context.mount = new VolumeMount();
  await context.mount.start();
});
test.after.each(async ({ mount }) => {
  await mount.remove();
});

test('files are made, written, changed and closed while JavaScript does nothing, and SIGKILL takes none of it', async ({
  mount,
}) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold ${HOLD_MS}`, 'held');
  const began = performance.now();
  const copies = Array.from({ length: FILES }, (_, index) => copyInto(directory, index));
  assert.ok(performance.now() - began < HOLD_MS - MARGIN_MS, 'JavaScript was asked');
  const attributes = copies[5];
  assert.equal([attributes?.mode, attributes?.uid, attributes?.gid], [0o100640n, BigInt(OWNER), BigInt(GROUP)]);
  assert.is(attributes?.mtimeNs, 2_000_005_000_000_000n);
  await mount.kill();
  await mount.start();
  expectCopies(directory, copies);
  assert.is(readdirSync(directory).length, FILES + 1);
});

test('what the session writes into the journal is what JavaScript would write', async ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold ${HOLD_MS}`, 'held');
  for (let index = 0; index < FILES; index++) copyInto(directory, index);
  await mount.kill();
  const counts = new Map<string, number>();
  for (const { entries } of readJournals(mount.stateDirectory, (bytes, seed) => native.crc32c(bytes, seed))) {
    for (const entry of entries) {
      if (entry.kind !== 'mutation') continue;
      const decoded = decodeMutation(entry.record);
      assert.equal(Buffer.from(encodeMutation(decoded)), Buffer.from(entry.record));
      counts.set(decoded.mutation.kind, (counts.get(decoded.mutation.kind) ?? 0) + 1);
    }
  }
  assert.ok((counts.get('create') ?? 0) >= FILES, 'creations');
  assert.ok((counts.get('content') ?? 0) >= FILES, 'contents');
  assert.ok((counts.get('attributes') ?? 0) >= 3 * FILES, 'attributes');
});

test('a commit holds what was answered before it', async ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold-and-commit ${SHORT_HOLD_MS}`, 'held');
  const copies = Array.from({ length: FILES }, (_, index) => copyInto(directory, index));
  await mount.line('committed'); // and the journal of before is gone
  await mount.kill();
  await mount.start();
  expectCopies(directory, copies);
});

test('a time that was set between two closes is not the last where more was written after it', async ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold-and-commit ${SHORT_HOLD_MS}`, 'held');
  const path = join(directory, 'file');
  const fd = openSync(path, 'w');
  writeSync(fd, 'one');
  closeInChild(fd);
  futimesSync(fd, 5, 7);
  writeSync(fd, ' two');
  const { mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  closeSync(fd);
  assert.ok(mtimeNs > 7_000_000_000n);
  await mount.line('committed');
  await mount.kill(); // what the kernel remembers goes too
  await mount.start();
  const seen = statSync(path, { bigint: true });
  assert.equal([seen.mtimeNs, seen.ctimeNs], [mtimeNs, ctimeNs]);
});

test('an access list that says no more than a mode is one', async ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold-and-commit ${SHORT_HOLD_MS}`, 'held');
  const path = join(directory, 'file');
  const fd = openSync(path, 'w', 0o600);
  spawnSync('setfacl', ['-m', 'u::rw,g::r,o::r', path], { stdio: 'inherit' });
  assert.is(fstatSync(fd).mode, 0o100644);
  closeSync(fd);
  await mount.line('committed');
  await mount.kill();
  await mount.start();
  assert.is(statSync(path).mode, 0o100644);
  assert.is(await runChecked('getfacl', ['--skip-base', path]), '');
});

test('what JavaScript is asked next sees what was posted', async ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  await mount.command(`hold ${SHORT_HOLD_MS}`, 'held');
  const copies = Array.from({ length: FILES }, (_, index) => copyInto(directory, index));
  renameSync(directory, mount.path('renamed'));
  expectCopies(mount.path('renamed'), copies);
  const { posted = 0 } = await mount.counters();
  assert.ok(posted >= FILES, 'nothing was posted');
});

test('a file made by the session is a file like others: written again, linked, removed', ({ mount }) => {
  const directory = directoryWithFirstFile(mount);
  for (let index = 0; index < FILES; index++) {
    const fd = openSync(join(directory, `again-${index}`), 'w+');
    writeSync(fd, 'one');
    futimesSync(fd, 5, 7);
    writeSync(fd, ' two');
    assert.is.not(fstatSync(fd).mtimeMs, 7000, 'a write after a time was set makes a time of its own');
    renameSync(join(directory, `again-${index}`), join(directory, 'taken'));
    writeSync(fd, ' three');
    closeSync(fd);
    assert.is(readFileSync(join(directory, 'taken'), 'utf8'), 'one two three');
    rmSync(join(directory, 'taken'));
  }
  assert.equal(readdirSync(directory), ['first']);
});

test('a file takes the group of a set-group directory, and the list of one that has a default list', async ({
  mount,
}) => {
  const directory = directoryWithFirstFile(mount);
  chownSync(directory, 0, GROUP);
  chmodSync(directory, 0o2755);
  for (let index = 0; index < 3; index++) {
    writeFileSync(join(directory, `group-${index}`), 'x');
    assert.is(statSync(join(directory, `group-${index}`)).gid, GROUP);
  }
  await runChecked('setfacl', ['-d', '-m', `u:${OWNER}:rw`, directory]);
  for (let index = 0; index < 3; index++) {
    writeFileSync(join(directory, `list-${index}`), 'x');
    const stdout = await runChecked('getfacl', ['-n', '--omit-header', join(directory, `list-${index}`)]);
    assert.match(stdout, new RegExp(`^user:${OWNER}:rw-`, 'm'));
  }
});

test.run();
