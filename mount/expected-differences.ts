// What the backends do otherwise than ext4, as data: that of libfuse3 is explained to users in docs/POSIX.md; that of
// fuse-native (2.2.6, over libfuse 2) comes on top and is said at mount. The properties that both backends are tested by
// skip nothing but what is listed here.

/** At most ten, each with a reason that is not ours to remove, or whose removal would cost more than it gives. */
export type PosixDifferenceId =
  | 'collapse-and-insert'
  | 'allocation-reserves-nothing'
  | 'set-group-id-without-execution'
  | 'times-after-2262'
  | 'access-times'
  | 'reads-that-may-not-wait'
  | 'inode-flags'
  | 'birth-times'
  | 'unaligned-direct-reads'
  | 'bits-cleared-by-others';

export type DifferenceId =
  | 'times-in-milliseconds'
  | 'modification-time-from-access-time'
  | 'single-time-is-lost'
  | 'caller-is-the-daemon'
  | 'change-of-nothing-is-lost'
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

export interface ExpectedDifference<Id = DifferenceId> {
  readonly id: Id;
  readonly consequence: string;
}

export const POSIX_DIFFERENCES: readonly ExpectedDifference<PosixDifferenceId>[] = [
  {
    id: 'collapse-and-insert',
    consequence: 'fallocate with COLLAPSE_RANGE or INSERT_RANGE fails with EOPNOTSUPP: the kernel hands no FUSE them',
  },
  {
    id: 'allocation-reserves-nothing',
    consequence: 'fallocate grows the file but takes no space: content is stored by what it is, when it is known',
  },
  {
    id: 'set-group-id-without-execution',
    consequence:
      'the set-group-id bit of a file without group execution stays when others write: FUSE clears by mode alone',
  },
  {
    id: 'times-after-2262',
    consequence: 'times are kept from 1677 to 2262, in nanoseconds of 64 bits; what lies beyond becomes the nearest',
  },
  { id: 'access-times', consequence: 'reading changes no access time (as noatime); setting them works' },
  { id: 'reads-that-may-not-wait', consequence: 'preadv2 with RWF_NOWAIT fails with EOPNOTSUPP on every FUSE' },
  { id: 'inode-flags', consequence: 'lsattr and chattr fail with ENOTTY: there are no inode flags' },
  { id: 'birth-times', consequence: 'statx gives no time of birth' },
  {
    id: 'unaligned-direct-reads',
    consequence: 'O_DIRECT reads and writes at any offset, where ext4 fails with EINVAL',
  },
  {
    id: 'bits-cleared-by-others',
    consequence:
      'chown to nobody else (-1, -1) by others clears the set-id bits of a file that is open for writing: FUSE sends the same before a write',
  },
];

export const FUSE_NATIVE_DIFFERENCES: readonly ExpectedDifference[] = [
  { id: 'times-in-milliseconds', consequence: 'times are shown and set in whole milliseconds, not before 1970' },
  {
    id: 'modification-time-from-access-time',
    consequence: 'setting both times sets the modification time to the access time (rsync -a leaves wrong times)',
  },
  { id: 'single-time-is-lost', consequence: 'setting one time alone (touch -m, tar -x) has no effect' },
  { id: 'caller-is-the-daemon', consequence: 'new files belong to the user that mounted' },
  { id: 'change-of-nothing-is-lost', consequence: 'chown to nobody else (-1, -1) does not change the change time' },
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
