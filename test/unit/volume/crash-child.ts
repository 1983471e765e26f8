// Run by durability.test.ts as a child: writes and closes files without fsync, says which, and is killed by itself in
// the middle of the next one. Arguments: state directory, number of files, 'before-commit' | 'after-commit'.

import { ROOT_INODE } from '../../../src/base/units.ts';
import { bytesOf, createDirectory, createFile, noise, openTestVolume, writeFile } from './support.ts';

const [directory = '', count = '0', moment = ''] = process.argv.slice(2);
const volume = await openTestVolume(directory);
const committed = new Promise<void>((resolve) => volume.replica.onCommitted(resolve));
const folder = createDirectory(volume, 'folder');
for (let number = 0; number < Number(count); number += 1) {
  if (moment === 'after-commit' && number === Math.floor(Number(count) / 2)) {
    await volume.commit();
    await committed;
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
