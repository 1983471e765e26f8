// Which properties each backend is known not to hold, and why. Those of fuse-native are consequences of its limits
// (mount/expected-differences.ts); a listed property that holds after all fails the test.
import type { DifferenceId } from '../../mount/expected-differences.ts';

/** FUSE_TMPFILE came with Linux 6.1 and libfuse 3.17; without it the kernel answers EOPNOTSUPP. */
const NAMELESS_FILE = { 'a nameless file is given a name by linking it': 'libfuse 3.14 has no tmpfile operation' };

export const LIBFUSE3_DIFFERENCES: Readonly<Record<string, string>> = NAMELESS_FILE;

const FUSE_NATIVE: Readonly<Partial<Record<DifferenceId, readonly string[]>>> = {};

export const FUSE_NATIVE_DIFFERENCES: Readonly<Record<string, string>> = {
  ...NAMELESS_FILE,
  ...Object.fromEntries(
    Object.entries(FUSE_NATIVE).flatMap(([id, names]) => (names ?? []).map((name): [string, string] => [name, id])),
  ),
};
