// The speed that PacketFS promises: at least this ratio to another filesystem on the same disk.

export interface Target {
  /** The row, or the first part of its name. */
  readonly row: string;
  readonly ratio: number;
  readonly against: 'passthrough' | 'disk';
}

export const TARGETS: readonly Target[] = [
  { row: 'seqread-1m', ratio: 1, against: 'passthrough' },
  { row: 'seqwrite-1m', ratio: 0.8, against: 'passthrough' },
  { row: 'rewrite-known', ratio: 1, against: 'passthrough' },
  { row: 'randread-4k', ratio: 0.9, against: 'passthrough' },
  ...['stat', 'create', 'unlink'].flatMap((row) => [
    { row: `${row}-1`, ratio: 0.6, against: 'passthrough' as const },
    { row: `${row}-4`, ratio: 0.8, against: 'passthrough' as const },
  ]),
  { row: 'git-status', ratio: 0.9, against: 'passthrough' },
  { row: 'grep', ratio: 0.9, against: 'passthrough' },
  { row: 'copy-small-files', ratio: 0.5, against: 'passthrough' },
  { row: 'npm-ci', ratio: 0.7, against: 'passthrough' },
  { row: 'sqlite', ratio: 0.5, against: 'disk' },
];

export const targetOf = (row: string): Target | undefined => TARGETS.find((target) => row.startsWith(target.row));
