// A process that serves a real volume: `tsx volume-mount.ts DIR STATE_DIRECTORY`. Prints `ready`, then obeys the lines on
// its standard input. `hold MS` keeps JavaScript from everything for so long, `hold-and-commit MS` commits at once after
// that, before what came meanwhile is looked at; each says so when it has been done.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { NativeSession } from '../../mount/native-session.ts';
import { native } from '../../src/addon/addon.ts';
import { silentLogger } from '../../src/base/clock.ts';
import { systemClock } from '../../src/daemon/system.ts';
import { openVolume } from '../../src/volume/open-volume.ts';
import { settingsFor } from './mount-settings.ts';

const [mountPoint = '', stateDirectory = ''] = process.argv.slice(2);
const digest = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
const logger = { ...silentLogger, error: console.error };
const volume = await openVolume({
  stateDirectory,
  volumeId: digest('volume').subarray(0, 16),
  volumeSecret: digest('secret'),
  node: digest('node'),
  clock: systemClock,
  logger,
  native,
});
const settings = settingsFor(mountPoint, 'a volume, for tests');
const session = new NativeSession(native, { settings, contents: volume.contents, logger });
await session.start(volume.fileSystem);

const cell = new Int32Array(new SharedArrayBuffer(4));
const hold = (ms: number): void => {
  console.log('held');
  Atomics.wait(cell, 0, 0, ms);
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command = '', value = ''] = line.split(' ');
  if (command === 'counters') console.log(JSON.stringify(session.counters()));
  if (command === 'hold') hold(Number(value));
  if (command === 'hold-and-commit') {
    hold(Number(value));
    volume.commit().then(() => console.log('committed'), console.error);
  }
});
console.log('ready');
