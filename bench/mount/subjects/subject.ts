// What is measured: a filesystem with a directory to work in. Each subject keeps everything it stores below one
// directory, so that all of them share a disk, and is started anew for every measurement, so that none gains by what
// it has seen before.

export interface Place {
  /** Where the programs work. */
  readonly work: string;
  /** Where the bytes end up on the disk below; the same as `work` for the disk's own filesystem. */
  readonly backing: string;
}

export interface RunningSubject extends Place {
  stop(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** The exact version and options, for the record. */
  readonly describe: () => Promise<string>;
  /** Serves an empty filesystem that keeps all it stores in `directory`, which exists and is empty. */
  readonly start: (directory: string) => Promise<RunningSubject>;
}
