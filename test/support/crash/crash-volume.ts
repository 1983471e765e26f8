// A volume that crashes: its daemon, killed or cut off from its disk, and mounted again. The state lies on a disk whose
// power can be cut or, for killed processes alone, in the directory itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestControl } from '../../../src/control/client.ts';
import type { ScrubStatus, StatusResult } from '../../../src/control/methods.ts';
import { PFS_MOUNT } from '../built-commands.ts';
import { isMounted, unmountBelow } from '../mounts.ts';
import { ended, waitFor } from '../process.ts';
import type { Losses, PowerDisk } from './power-disk.ts';

const START_LIMIT_MS = 120_000;
const POLL_MS = 5;
const LOG_CHARACTERS_SHOWN = 6000;

export interface StartTimes {
  /** Until it served. */
  readonly elapsedMs: number;
  /** Time in which the machine had no processor free for it. */
  readonly waitedMs: number;
}

export class CrashVolume {
  readonly mountPoint: string;
  readonly stateDirectory: string;
  readonly #disk: PowerDisk | undefined;
  readonly #logFile: string;
  #daemon: ChildProcess | undefined;

  constructor(directory: string, disk?: PowerDisk) {
    mkdirSync(join(directory, 'mount'), { recursive: true });
    this.mountPoint = join(directory, 'mount');
    this.#disk = disk;
    this.stateDirectory = join(disk?.mountPoint ?? directory, 'state');
    this.#logFile = join(directory, 'daemon.log');
  }

  async start(): Promise<StartTimes> {
    if (this.#disk !== undefined && !isMounted(this.#disk.mountPoint)) await this.#disk.start();
    writeFileSync(this.#logFile, '');
    const log = openSync(this.#logFile, 'a');
    const started = performance.now();
    const parameters = [this.mountPoint, '--state', this.stateDirectory, '--listen', '127.0.0.1:0'];
    const daemon = spawn(process.execPath, [PFS_MOUNT, ...parameters], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#daemon = daemon;
    while (!isMounted(this.mountPoint)) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error(`the daemon ended:\n${this.log()}`);
      if (performance.now() - started > START_LIMIT_MS) throw new Error(`no mount in time:\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return { elapsedMs: performance.now() - started, waitedMs: waitedMsOf(daemon.pid) };
  }

  /** SIGKILL; the disk stays as it is. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    this.#daemon = undefined;
    daemon.kill('SIGKILL');
    await ended(daemon);
    await unmountBelow(this.mountPoint);
  }

  /** The power goes, for the process and its disk. */
  async cutPower(seed: number): Promise<Losses> {
    const disk = this.#disk;
    if (disk === undefined) throw new Error('the state is on no disk of its own');
    await disk.stopPower();
    await this.kill();
    return await disk.cut(seed);
  }

  /** SIGTERM, as an orderly stop; gives the exit code. */
  async stop(): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === undefined) return 0;
    this.#daemon = undefined;
    daemon.kill('SIGTERM');
    await ended(daemon);
    return daemon.exitCode;
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#disk?.close();
  }

  status(): Promise<StatusResult> {
    return requestControl(this.stateDirectory, 'status', {});
  }

  async scrub(): Promise<ScrubStatus> {
    await requestControl(this.stateDirectory, 'scrub.start', { repair: false });
    return await waitFor('the scrub', async () => {
      const status = await requestControl(this.stateDirectory, 'scrub.status', {});
      return status.state === 'running' ? undefined : status;
    });
  }

  /** The end of what the daemon printed in this life. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-LOG_CHARACTERS_SHOWN);
  }
}

/** proc(5): schedstat of the process' main thread, which does the mounting. */
function waitedMsOf(processId: number | undefined): number {
  const [, waitedNs] = readFileSync(`/proc/${processId}/schedstat`, 'utf8').split(' ');
  return Number(waitedNs) / 1e6;
}
