// What a comparison will take, told before it begins: time as if every tool sent every byte of each change uncompressed,
// which some do and the others stay below, and the disk that its data and both machines need at once.
import { statfsSync } from 'node:fs';
import type { LinkProfile } from '../link/profiles.ts';
import type { DataSet, Group } from './data-sets.ts';
import { TREE_GROUPS } from './fetch.ts';
import type { Row } from './rows.ts';

/** What tools manage beside the link: bytes that are copied and compared, and files that are made. */
const BYTES_PER_SECOND = 60e6;
const FILES_PER_SECOND = 3000;
/** A file takes whole blocks, and an inode. */
const BLOCK_BYTES = 4096;
/** Copies of the largest group that a machine has at once: the tree and its duplicate. */
const TEXT_COPIES = 2;
/** A store at the receiver beside what was taken out of it, and the releases that a volume keeps. */
const STORE_SHARE = 1.5;
const GIGABYTE = 1e9;
const SECONDS_PER_MINUTE = 60;

export interface Expected {
  readonly seconds: number;
  readonly diskBytes: number;
}

export interface Plan {
  readonly data: DataSet;
  readonly rows: readonly Row[];
  readonly profile: LinkProfile;
  /** Runs of all rows: rounds times tools. */
  readonly runs: number;
}

export function expected({ data, rows, profile, runs }: Plan): Expected {
  const linkBytesPerSecond = profile.bitsPerSecond / 8;
  const secondsOf = ({ bytes, files }: Size): number =>
    bytes / linkBytesPerSecond + bytes / BYTES_PER_SECOND + files / FILES_PER_SECOND;
  const groups = new Set(rows.map(({ group }) => group));
  const fetched = sum([...groups].map((group) => onDisk(sizeOf(data, group)) * treesOf(data, group)));
  const machine = sum([...groups].map((group) => onDisk(sizeOf(data, group)) * (group === 'text' ? TEXT_COPIES : 1)));
  return {
    seconds: runs * sum(rows.map((row) => secondsOf(sizeOf(data, row.group)) * transfersOf(row))),
    diskBytes: Math.ceil(fetched + 2 * STORE_SHARE * machine),
  };
}

interface Size {
  readonly files: number;
  readonly bytes: number;
}

const sizeOf = (data: DataSet, group: Group): Size => {
  const releases = TREE_GROUPS.find((one) => one === group);
  return releases === undefined ? { files: 1, bytes: data.bigBytes } : data[releases];
};

const treesOf = (data: DataSet, group: Group): number => {
  const releases = TREE_GROUPS.find((one) => one === group);
  return releases === undefined ? 1 : data[releases].trees.length;
};

const transfersOf = ({ before, steps }: Row): number => steps.length + (before === undefined ? 0 : 1);
const onDisk = ({ files, bytes }: Size): number => bytes + files * BLOCK_BYTES;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const formatExpected = ({ seconds, diskBytes }: Expected): string =>
  `up to ${Math.ceil(seconds / SECONDS_PER_MINUTE)} minutes, and ${gigabytes(diskBytes)} GB of disk at once`;

/** Why it cannot begin, or undefined. */
export function lackOfDisk(needed: number, free: number, directory: string): string | undefined {
  if (free >= needed) return undefined;
  return (
    `${gigabytes(needed)} GB are needed in ${directory}, and ${gigabytes(free)} GB are free there: ` +
    'set TMPDIR to a directory on another disk, or choose fewer rows (ROWS=)'
  );
}

/** Of the disk under a directory, for who is not root. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

const gigabytes = (bytes: number): string => (bytes / GIGABYTE).toFixed(1);
