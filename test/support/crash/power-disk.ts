// What a state directory may lie on when the power is to be cut.

export interface Losses {
  /** Of 512 bytes, written and not on the disk. 0 where nobody can say. */
  readonly sectors: number;
  /** Changes of names. */
  readonly names: number;
}

export interface PowerDisk {
  /** Where the disk is mounted. */
  readonly mountPoint: string;
  /** Mounts it, as the last cut left it. */
  start(): Promise<void>;
  /** From now on nothing reaches the disk. */
  stopPower(): Promise<unknown>;
  /** Settles what the cut has left and mounts it again; nobody may use the disk meanwhile. */
  cut(seed: number): Promise<Losses>;
  close(): Promise<void>;
}
