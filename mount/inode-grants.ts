// The inode numbers that the session gives to files it makes itself (docs/design/0088): some are kept ready for it, as
// soon as files are made at all.
import type { InodeNumber } from '../src/base/units.ts';
import type { FileSystem } from '../src/volume/volume.ts';

/** More than it makes while JavaScript is behind. */
const READY_MIN = 4096;
const GRANT = 8192;

export class InodeGrants {
  readonly #fileSystem: Pick<FileSystem, 'reserveInodes'>;
  readonly #grant: (first: InodeNumber, count: number) => void;
  #ready = 0;

  constructor(options: {
    readonly fileSystem: Pick<FileSystem, 'reserveInodes'>;
    readonly grant: (first: InodeNumber, count: number) => void;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#grant = options.grant;
  }

  /** The session has given one. */
  noteUsed(): void {
    this.#ready -= 1;
    this.replenish();
  }

  replenish(): void {
    if (this.#ready >= READY_MIN) return;
    this.#grant(this.#fileSystem.reserveInodes(GRANT), GRANT);
    this.#ready += GRANT;
  }
}
