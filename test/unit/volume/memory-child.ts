// Run by memory.test.ts as a child with --expose-gc: the same work again and again on a real volume, as a mount would
// ask for it, and what lives in memory beyond what it counts, as JSON. Arguments: state directory, files in a round, rounds.
import { type InodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import { bytesOf, createDirectory, createFile, noise, openTestVolume, writeFile } from './support.ts';

const [directory = '', count = '0', rounds = '0'] = process.argv.slice(2);
const fileCount = Number(count);
const NAMES_PER_DIRECTORY = 1000;
const COMMIT_EVERY = 2000;

const volume = await openTestVolume(directory);
const { fileSystem } = volume;

/** Live bytes of JavaScript and of what it holds outside its heap, beyond what the volume counts. */
function uncountedBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run with --expose-gc');
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  const { cache, kernel } = volume.status();
  return heapUsed + external - cache.bytes - kernel.bytes;
}

const before = uncountedBytes();
const held: number[] = [];
const removed: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const parents: { readonly inode: InodeNumber; readonly names: string[] }[] = [];
  const inodes: InodeNumber[] = [];
  for (let index = 0; index < fileCount; index++) {
    if (index % NAMES_PER_DIRECTORY === 0) {
      parents.push({ inode: createDirectory(volume, `d${round}-${parents.length}`), names: [] });
    }
    const parent = parents[parents.length - 1];
    if (parent === undefined) throw new Error('there is a directory');
    const name = `file-${index}`;
    parent.names.push(name);
    const isWritten = index % 100 === 0;
    inodes.push(
      isWritten
        ? await writeFile(volume, name, noise(1, 20_000), parent.inode)
        : createFile(volume, name, parent.inode),
    );
    if (index % COMMIT_EVERY === 0) await volume.commit();
  }
  await volume.commit();
  held.push(uncountedBytes());
  for (const { inode, names } of parents) {
    for (const name of names) fileSystem.unlink(inode, bytesOf(name));
    await volume.commit();
  }
  for (const [index] of parents.entries()) fileSystem.removeDirectory(ROOT_INODE, bytesOf(`d${round}-${index}`));
  for (const { inode } of parents) fileSystem.forget(inode, 1);
  for (const inode of inodes) fileSystem.forget(inode, 1);
  await volume.commit();
  removed.push(uncountedBytes());
}
const { cache, kernel } = volume.status();
process.stdout.write(`${JSON.stringify({ before, held, removed, cache, kernel })}\n`);
await volume.close();
