// Which properties each backend is known not to hold, and why. Those of fuse-native are consequences of its limits
// (mount/expected-differences.ts); a listed property that holds after all fails the test.
import type { DifferenceId, PosixDifferenceId } from '../../mount/expected-differences.ts';

const LIBFUSE3: Readonly<Record<PosixDifferenceId, string>> = {
  'collapse-and-insert': 'collapsing a range takes it out, inserting one makes room',
  'allocation-reserves-nothing': 'allocating takes the space at once',
  'set-group-id-without-execution':
    'a file that is set-group-id without group execution loses the bit to writers of other groups',
  'times-after-2262': 'times up to the year 2446 are kept',
  'access-times': 'reading a changed file changes its access time',
  'reads-that-may-not-wait': 'a read that may not wait gives what the cache holds',
  'inode-flags': 'an inode has flags',
  'birth-times': 'an inode has a time of birth',
  'unaligned-direct-reads': 'an unaligned read with O_DIRECT fails with EINVAL',
  'bits-cleared-by-others':
    'chown to nobody else by others is refused where set-id bits would go, of a file that is open for writing too',
};

export const LIBFUSE3_DIFFERENCES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(LIBFUSE3).map(([id, name]) => [name, id]),
);

const FUSE_NATIVE: Readonly<Partial<Record<DifferenceId, readonly string[]>>> = {
  'caller-is-the-daemon': ['a new object belongs to who made it', 'trusted attributes are listed for root alone'],
  'change-of-nothing-is-lost': [
    'chown to nobody else is for everyone, but where set-id bits would go for the owner alone',
  ],
  'hidden-files-on-unlink': [
    'a file unlinked while open can change its attributes through the descriptor',
    'each call changes the times that POSIX says, and no others',
    'renaming changes the change time of what moves and of what it replaces, and both directories',
  ],
  'names-that-are-not-utf8': [
    'names that are not UTF-8 come back byte for byte',
    'every single byte but NUL, slash and a lone dot is a name',
    'a symbolic link keeps its target byte for byte, and its size is the length',
  ],
  'inode-numbers-are-made-up': [
    'listing tells the type and the inode that lstat tells',
    'hard links share inode, content, attributes and a link count',
  ],
  'modification-time-from-access-time': [
    'linking changes the change time, not the modification time',
    'a symbolic link has an owner and times of its own',
    'a renamed file keeps inode, content and modification time',
    'a time set while the file is open and written stays after closing',
    'changing a mode or owner changes the change time alone',
    'an attribute changes the change time, not the modification time',
  ],
  'rename-flags': [
    'RENAME_NOREPLACE renames to a free name and fails with EEXIST on a taken one',
    'RENAME_EXCHANGE swaps two files',
    'RENAME_WHITEOUT leaves a character device 0:0 behind, and obeys NOREPLACE',
    'RENAME_EXCHANGE swaps a file and a directory of different parents, link counts included',
  ],
  'nameless-files': [
    'a nameless file is given a name by linking it, and a second one',
    'a nameless file keeps what was written and synced before it is linked',
    'making a nameless file changes nothing in the directory',
    'a nameless file made with O_EXCL, or whose names are gone, cannot be linked',
    'a nameless file takes the group of a set-group-id directory, and the umask',
  ],
  'extended-attribute-names': [
    'a name of no known namespace is refused in every call, one without anything after the prefix too',
  ],
  'allocation-and-seek': [
    'every change of content by another user clears the set-id bits, by root none',
    'every way to write clears the set-id bits of a program, for those without CAP_FSETID',
    'data and holes are shown in whole blocks of 4096 bytes',
    'allocating changes the modification and change times, with KEEP_SIZE and within the size too',
    'SEEK_DATA and SEEK_HOLE find where data and holes begin',
    'seeking data in a trailing hole or past the end fails with ENXIO',
    'allocating grows the file with zeros',
    'allocating with KEEP_SIZE leaves size and content',
    'punching a hole zeroes the range, keeps the size and frees the space',
    'punching at odd offsets zeroes exactly the range',
    'zeroing a range zeroes it, and grows the file where asked',
  ],
  'times-in-milliseconds': ['both times are set to the nanosecond', 'times before 1970 and after 2038 are kept'],
  'single-time-is-lost': ['the modification time set alone leaves the access time, and the other way round'],
  'access-lists-not-enforced': [
    'an access control list grants and is shown in the group bits',
    'removing an access control list that is not there is no error',
    'an access control list set by a member of the group leaves the set-group-id bit, by others not',
    'a default access control list is inherited by what is created below',
  ],
};

/** There the kernel clears set-id bits by a change of mode, and minds who asks for it. */
const KERNEL_CLEARS: PosixDifferenceId = 'bits-cleared-by-others';

export const FUSE_NATIVE_DIFFERENCES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(LIBFUSE3_DIFFERENCES).filter(([, id]) => id !== KERNEL_CLEARS)),
  ...Object.fromEntries(
    Object.entries(FUSE_NATIVE).flatMap(([id, names]) => (names ?? []).map((name): [string, string] => [name, id])),
  ),
};
