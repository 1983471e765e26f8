// A filesystem of the kernel in an image file. Its power goes by the shutdown ioctl (xfs_io): what is not in the
// filesystem's journal by then never will be, and the next mount recovers.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMounted } from '../mounts.ts';
import { run, runChecked } from '../process.ts';
import type { Losses, PowerDisk } from './power-disk.ts';

const IMAGE_BYTES = 512 * 1024 * 1024; // XFS makes nothing under 300 MiB
const FORCE_FLAG = { ext4: '-F', xfs: '-f' } as const;

export type LoopFilesystem = keyof typeof FORCE_FLAG;

export class LoopDisk implements PowerDisk {
  readonly mountPoint: string;
  readonly #image: string;
  readonly #filesystem: LoopFilesystem;
  readonly #imageBytes: number;
  #isMade = false;

  constructor(directory: string, filesystem: LoopFilesystem, imageBytes = IMAGE_BYTES) {
    this.mountPoint = join(directory, 'disk');
    this.#image = join(directory, 'image');
    this.#filesystem = filesystem;
    this.#imageBytes = imageBytes;
    mkdirSync(this.mountPoint, { recursive: true });
  }

  async start(): Promise<void> {
    if (!this.#isMade) {
      await runChecked('truncate', ['-s', String(this.#imageBytes), this.#image]);
      await runChecked(`mkfs.${this.#filesystem}`, ['-q', FORCE_FLAG[this.#filesystem], this.#image]);
      this.#isMade = true;
    }
    await runChecked('mount', ['-o', 'loop', this.#image, this.mountPoint]);
  }

  stopPower(): Promise<string> {
    return runChecked('xfs_io', ['-x', '-c', 'shutdown', this.mountPoint]);
  }

  async cut(): Promise<Losses> {
    await this.close();
    await this.start();
    return { sectors: 0, names: 0 };
  }

  async close(): Promise<void> {
    if (!isMounted(this.mountPoint)) return;
    await runChecked('umount', [this.mountPoint]).catch(() => run('umount', ['-l', this.mountPoint]));
  }
}
