// Run by durability.test.ts as a child: writes and closes files without fsync, says which, and is killed by itself in
// the middle of the next one. Arguments: state directory, number of files, 'during a commit' (one whose sync
// never ends, so there are two journals) | 'after a commit'.

import { ROOT_INODE } from '../../../src/base/units.ts';
import { bytesOf, createDirectory, createFile, noise, openTestVolume, withSync, writeFile } from './support.ts';

const [directory = '', count = '0', moment = ''] = process.argv.slice(2);
let hangs = false;
const native = withSync((blob) => (hangs ? new Promise(() => undefined) : blob.sync()));
const volume = await openTestVolume(directory, { native });
hangs = moment === 'during a commit';
const folder = createDirectory(volume, 'folder');
for (let number = 0; number < Number(count); number += 1) {
  if (number === Math.floor(Number(count) / 2)) {
    const committed = volume.commit();
    if (!hangs) await committed;
    else await Promise.resolve(); // frozen, and never written
  }
  await writeFile(volume, `file-${number}`, noise(number, 1000 + number * 700), folder);
}
await volume.fileSystem.rename({
  parent: folder,
  name: bytesOf('file-0'),
  newParent: ROOT_INODE,
  newName: bytesOf('moved'),
  flags: 'replace',
});
volume.fileSystem.flushJournal();
const unclosed = createFile(volume, 'unclosed');
await volume.fileSystem.open(unclosed, { write: true, truncate: false });
await volume.contents.write(unclosed, 0n, noise(1_000_000, 100_000));
process.kill(process.pid, 'SIGKILL');
