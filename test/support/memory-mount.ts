// A process that serves a MemoryFileSystem: `tsx memory-mount.ts DIR BACKEND BLOB_DIRECTORY`. Prints `ready`, then obeys
// the lines on its standard input, and says `ended ERRNO` when the session has. SIGTERM stops it by force.
import { createInterface } from 'node:readline';
import { FuseNativeSession } from '../../mount/fuse-native-session.ts';
import { NativeSession } from '../../mount/native-session.ts';
import { REPLY_KINDS } from '../../mount/protocol.ts';
import { native } from '../../src/addon/addon.ts';
import { silentLogger } from '../../src/base/clock.ts';
import { type InodeNumber, inodeNumber, ROOT_INODE } from '../../src/base/units.ts';
import { createMemoryFileSystem } from './memory-file-system.ts';
import { settingsFor } from './mount-settings.ts';

const [mountPoint = '', backend = 'libfuse3', directory = ''] = process.argv.slice(2);
const DIRTY_BYTES_MAX = 64 * 1024 * 1024;
const LOG = 1;
const logger = { ...silentLogger, error: console.error };
const blob = native.openBlob({
  directory,
  volumeId: new Uint8Array(16),
  identityKey: new Uint8Array(32).fill(1),
  chunker: { minimum: 8192, maximum: 24576, multiplier: 2654435761, addend: 7 },
});
await blob.openLog(LOG, `${'00'.repeat(32)}-1`);
blob.setAppendLog(LOG);
const contents = native.createContentStore(blob, DIRTY_BYTES_MAX);
const fileSystem = createMemoryFileSystem(contents);
const settings = settingsFor(mountPoint, 'memory, for tests');
const parts = { settings, contents, logger };
let repliesFail = false;
let listing: Uint8Array | 'awaited' | undefined;
let sendListing = (): void => {};
/** The addon, with answers that can be made to fail, an exception in the handler of requests, or to come late. */
const createFuseSession: typeof native.createFuseSession = (options, store) => {
  const real = native.createFuseSession(options, store);
  const reply = (batch: Uint8Array): void => {
    if (repliesFail) throw new Error('simulated bug');
    if (listing === 'awaited' && replyKind(batch) === REPLY_KINDS.directory) {
      listing = batch.slice();
      console.log('held');
    } else {
      real.reply(batch);
    }
  };
  sendListing = () => {
    if (listing instanceof Uint8Array) real.reply(listing);
    listing = undefined;
  };
  return { ...real, reply };
};
const session = backend === 'libfuse3' ? new NativeSession({ createFuseSession }, parts) : new FuseNativeSession(parts);
await session.start(fileSystem);

const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => {
  const [command, argument = '', where = String(ROOT_INODE)] = line.split(' ');
  switch (command) {
    case 'counters': {
      const held = [...fileSystem.lookups.values()].reduce((total, count) => total + count, 0);
      console.log(JSON.stringify({ ...session.counters(), held, handles: fileSystem.handles() }));
      break;
    }
    case 'create':
      createRemotely(new TextEncoder().encode(argument), inodeNumber(BigInt(where)));
      console.log('created');
      break;
    case 'hold-listing':
      listing = 'awaited';
      console.log('awaits a listing');
      break;
    case 'release-listing':
      sendListing();
      console.log('released');
      break;
    case 'chmod':
      void fileSystem.setAttributes(inodeNumber(BigInt(argument)), { mode: 0o600 });
      fileSystem.invalidate({ inodes: [inodeNumber(BigInt(argument))], entries: [] });
      console.log('changed');
      break;
    case 'stop':
      session.stop({ force: argument === 'force' }).catch((error: unknown) => console.log(`refused ${String(error)}`));
      break;
    case 'throw':
      repliesFail = true;
      console.log('throws from now on');
      break;
    case 'exit':
      process.exit(0);
  }
});
process.on('SIGTERM', () => void session.stop({ force: true }));
console.log('ready');
const { errno } = await session.ended;
console.log(`ended ${errno}`);
blob.close();
process.exit(0);

/** Of the first answer of a batch. */
function replyKind(batch: Uint8Array): number {
  return new DataView(batch.buffer, batch.byteOffset, batch.byteLength).getUint16(4, true);
}

/** A file that appears as if a peer had made it whose clock is behind: the directory's time stays. */
function createRemotely(name: Uint8Array, parent: InodeNumber): void {
  const caller = { uid: 0, gid: 0, pid: 0 };
  const { modified } = fileSystem.getAttributes(parent);
  const { inode } = fileSystem.createNode({ parent, name, mode: 0o100644, caller });
  void fileSystem.setAttributes(parent, { modified });
  fileSystem.forget(inode, 1);
  fileSystem.invalidate({ inodes: [parent], entries: [{ parent, name }] });
}
