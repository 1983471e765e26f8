// What the fuse-native backend (fuse-native 2.2.6 over libfuse 2) does not do, as data: said at mount, and the tests
// that both backends run skip nothing but what is listed here.

export type DifferenceId =
  | 'times-in-milliseconds'
  | 'modification-time-from-access-time'
  | 'single-time-is-lost'
  | 'caller-is-the-daemon'
  | 'inode-numbers-are-made-up'
  | 'rename-flags'
  | 'nameless-files'
  | 'extended-attribute-names'
  | 'allocation-and-seek'
  | 'names-that-are-not-utf8'
  | 'hidden-files-on-unlink'
  | 'remote-changes-at-open'
  | 'access-lists-not-enforced'
  | 'mount-flags';

export interface ExpectedDifference {
  readonly id: DifferenceId;
  readonly consequence: string;
}

export const FUSE_NATIVE_DIFFERENCES: readonly ExpectedDifference[] = [
  { id: 'times-in-milliseconds', consequence: 'times are shown and set in whole milliseconds, not before 1970' },
  {
    id: 'modification-time-from-access-time',
    consequence: 'setting both times sets the modification time to the access time (rsync -a leaves wrong times)',
  },
  { id: 'single-time-is-lost', consequence: 'setting one time alone (touch -m, tar -x) has no effect' },
  { id: 'caller-is-the-daemon', consequence: 'new files belong to the user that mounted' },
  { id: 'inode-numbers-are-made-up', consequence: 'inode numbers are those of libfuse and change with each mount' },
  { id: 'rename-flags', consequence: 'renameat2 with NOREPLACE, EXCHANGE or WHITEOUT fails' },
  { id: 'nameless-files', consequence: 'O_TMPFILE fails' },
  {
    id: 'extended-attribute-names',
    consequence: 'a name of no known namespace is refused only when it is set, a bare prefix not at all',
  },
  { id: 'allocation-and-seek', consequence: 'fallocate, SEEK_HOLE and copy_file_range are not supported' },
  { id: 'names-that-are-not-utf8', consequence: 'names and link targets that are not UTF-8 are damaged' },
  { id: 'hidden-files-on-unlink', consequence: 'a file removed while open shows as .fuse_hidden until it is closed' },
  { id: 'remote-changes-at-open', consequence: 'new content from peers shows when a file is opened again' },
  { id: 'access-lists-not-enforced', consequence: 'access control lists are kept but not enforced' },
  { id: 'mount-flags', consequence: 'noatime, nodiratime and the timeouts of -o are not passed on' },
];

export const expectsDifference = (id: DifferenceId): boolean =>
  FUSE_NATIVE_DIFFERENCES.some((difference) => difference.id === id);
