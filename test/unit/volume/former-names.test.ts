// A file that is made under a name that was removed or moved away is known to be like what was there.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketFsError } from '../../../src/base/errors.ts';
import { FORMER_NAMES_MAX } from '../../../src/base/limits.ts';
import { blobAddress, type InodeNumber, inodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import type { PositionRange } from '../../../src/blob/ranges.ts';
import { NameListing } from '../../../src/namespace/name-listing.ts';
import type { InodeRecord } from '../../../src/namespace/types.ts';
import { FormerNames, type FormerNamesOptions } from '../../../src/volume/former-names.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import {
  bytesOf,
  caller,
  cleanUp,
  createDirectory,
  makeDirectory,
  noise,
  openTestVolume,
  writeFile,
} from './support.ts';

const FILE_BYTES = 6000;

const test = suite<{ directory: string; volume: Volume }>('volume/former-names');

test.before.each(async (context) => {
  context.directory = makeDirectory();
  context.volume = await openTestVolume(context.directory);
});
test.after.each(({ directory }) => cleanUp(directory));

/** Where the next new bytes will lie in the own log. */
async function end(volume: Volume): Promise<number> {
  await volume.commit();
  const own = volume.replica.logs()[0];
  return own === undefined ? 0 : (volume.replica.durableRanges(own.log).at(-1)?.end ?? 0);
}

/** Writes a file of noise and gives where it lies. */
async function written(volume: Volume, name: string, seed: number, parent: InodeNumber = ROOT_INODE) {
  const start = await end(volume);
  await writeFile(volume, name, noise(seed, FILE_BYTES), parent);
  return { start, end: await end(volume) } as PositionRange;
}

/** What the bytes at a place are known to be like. */
function like(volume: Volume, range: PositionRange): readonly PositionRange[] {
  const [own] = volume.replica.logs();
  assert.ok(own);
  return volume.replica.replacedBy(own.log, range).old.map((old) => old.range);
}

const covers = (ranges: readonly PositionRange[], { start, end: last }: PositionRange): boolean =>
  ranges.some((range) => range.start <= start && range.end >= last);

/** Ten files, so that the order of files tells nothing of the sixth. */
async function tenFiles(volume: Volume, parent: InodeNumber = ROOT_INODE, seed = 0): Promise<PositionRange> {
  const places: PositionRange[] = [];
  for (let index = 0; index < 10; index++) places.push(await written(volume, `file ${index}`, seed + index, parent));
  assert.ok(places[5]);
  return places[5];
}

test('under a name that was unlinked', async ({ volume }) => {
  const old = await tenFiles(volume);
  volume.fileSystem.unlink(ROOT_INODE, bytesOf('file 5'));
  const other = await written(volume, 'other', 20);
  const fresh = await written(volume, 'file 5', 21);
  assert.ok(covers(like(volume, fresh), old));
  assert.not(covers(like(volume, other), old), 'and another is not');
});

test('under a name that was moved away, as for a backup', async ({ volume }) => {
  const old = await tenFiles(volume);
  await rename(volume, 'file 5', 'file 5~');
  assert.ok(covers(like(volume, await written(volume, 'file 5', 21)), old));
});

test('moved to a name that was unlinked', async ({ volume }) => {
  const old = await tenFiles(volume);
  volume.fileSystem.unlink(ROOT_INODE, bytesOf('file 5'));
  const fresh = await written(volume, 'temporary', 21);
  assert.not(covers(like(volume, fresh), old));
  await rename(volume, 'temporary', 'file 5');
  assert.ok(covers(like(volume, fresh), old));
});

test('in a directory that was removed with all that was in it, and made again, twice', async ({ volume }) => {
  const folders = makeFolders(volume);
  const old = await tenFiles(volume, folders.inner);
  removeFolders(volume, folders);
  const second = makeFolders(volume);
  const fresh = await written(volume, 'file 5', 21, second.inner);
  assert.ok(covers(like(volume, fresh), old));
  await written(volume, 'other', 22, second.inner);
  removeFolders(volume, second);
  const third = makeFolders(volume);
  assert.ok(covers(like(volume, await written(volume, 'file 5', 23, third.inner)), fresh));
});

test('in a directory whose name another had, which was moved away', async ({ volume }) => {
  const folder = createDirectory(volume, 'package');
  const old = await tenFiles(volume, folder);
  await rename(volume, 'package', '.package-old');
  const again = createDirectory(volume, 'package');
  assert.ok(covers(like(volume, await written(volume, 'file 5', 21, again)), old));
});

test('under a temporary name of rsync or dpkg, beside the file', async ({ volume }) => {
  const old = await tenFiles(volume);
  for (const [index, name] of ['.file 5.aB3xYz', 'file 5.dpkg-new'].entries()) {
    assert.ok(covers(like(volume, await written(volume, name, 21 + index)), old), name);
  }
  for (const [index, name] of ['.file 5.aB3xY', 'file 5.aB3xYz', '.file 11.aB3xYz'].entries()) {
    assert.not(covers(like(volume, await written(volume, name, 31 + index)), old), name);
  }
});

test('the oldest names are forgotten, so that memory is bounded', () => {
  const noted: InodeNumber[] = [];
  const names = new FormerNames(fake((inode) => noted.push(inode)));
  for (let index = 0; index <= FORMER_NAMES_MAX; index++)
    names.removed(ROOT_INODE, bytesOf(`${index}`), fileOf(index + 2));
  for (const [index, isKnown] of [
    [0, false],
    [1, true],
    [FORMER_NAMES_MAX, true],
  ] as const) {
    noted.length = 0;
    names.made(ROOT_INODE, bytesOf(`${index}`), fileOf(9_000_000));
    assert.is(noted.length > 0, isKnown, `name ${index}`);
  }
});

test('a file is like the one of its name in the release beside its own, at any depth', async ({ volume }) => {
  const make = (name: string, parent: InodeNumber): InodeNumber =>
    volume.fileSystem.createNode({ parent, name: bytesOf(name), mode: 0o040755, caller }).inode;
  const inside = (release: string): InodeNumber => make('lib', make(release, ROOT_INODE));
  await tenFiles(volume, inside('tool-9.8.7'));
  const before = await tenFiles(volume, inside('tool-9.10.1'), 20);
  await tenFiles(volume, inside('other-9.10.1'), 40);
  const fresh = await written(volume, 'file 5', 99, inside('tool-9.10.2'));
  assert.ok(covers(like(volume, fresh), before));
  const elsewhere = await written(volume, 'file 5', 98, inside('tool-x'));
  assert.not(covers(like(volume, elsewhere), before));
});

test('a release that was removed meanwhile tells nothing, and harms nothing', async ({ volume }) => {
  const make = (name: string): InodeNumber =>
    volume.fileSystem.createNode({ parent: ROOT_INODE, name: bytesOf(name), mode: 0o040755, caller }).inode;
  make('release-1');
  const second = make('release-2');
  volume.fileSystem.removeDirectory(ROOT_INODE, bytesOf('release-1'));
  assert.equal(like(volume, await written(volume, 'file', 1, second)), []);
});

test('a damaged directory gives no hint, and is no error of who makes a file elsewhere', () => {
  const given = fake(() => assert.unreachable());
  const names = new FormerNames({
    ...given,
    namespace: {
      ...given.namespace,
      nameCount: () => {
        throw new PacketFsError('PFS_CORRUPT', 'a page of names is damaged');
      },
    },
  });
  names.made(ROOT_INODE, bytesOf('release-2'), { ...fileOf(7), mode: 0o040755 });
  assert.is(names.awaitedLike(inodeNumber(7n)), undefined);
});

const fileOf = (inode: number): InodeRecord =>
  ({ inode: inodeNumber(BigInt(inode)), mode: 0o100644, size: 100n }) as Partial<InodeRecord> as InodeRecord;

/** Files whose one extent lies where their number says. */
function fake(onNoted: (inode: InodeNumber) => void): FormerNamesOptions {
  return {
    namespace: {
      extents: (inode) => [{ offset: 0n, length: 100n, address: blobAddress(inode) }],
      inode: () => undefined,
      lookup: () => undefined,
      nameCount: () => 0,
      readDirectory: () => NameListing.of([]),
    },
    blob: { noteReplaced: (_fresh, old) => onNoted(inodeNumber(old[2] ?? 0n)) },
  };
}

interface Folders {
  readonly outer: InodeNumber;
  readonly inner: InodeNumber;
}

function makeFolders(volume: Volume): Folders {
  const make = (name: string, parent: InodeNumber): InodeNumber =>
    volume.fileSystem.createNode({ parent, name: bytesOf(name), mode: 0o040755, caller }).inode;
  const outer = make('outer', ROOT_INODE);
  return { outer, inner: make('inner', outer) };
}

function removeFolders(volume: Volume, { outer, inner }: Folders): void {
  for (const { name } of [...volume.fileSystem.readDirectory(inner)]) volume.fileSystem.unlink(inner, name);
  volume.fileSystem.removeDirectory(outer, bytesOf('inner'));
  volume.fileSystem.removeDirectory(ROOT_INODE, bytesOf('outer'));
}

async function rename(volume: Volume, name: string, newName: string): Promise<void> {
  const names = { name: bytesOf(name), newName: bytesOf(newName) };
  await volume.fileSystem.rename({ parent: ROOT_INODE, newParent: ROOT_INODE, ...names, flags: 'replace' });
}

test.run();
