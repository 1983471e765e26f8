// A disk image as who builds a machine's image makes it: a new ext4 of one size that is filled with a tree, without a
// mount. Identifiers and times are fixed, so that images differ by what they hold; the times at which inodes were changed
// cannot be, and are those of the run.
import { runChecked } from '../../test/support/process.ts';

const IDENTIFIER = '6d1f5c3e-9b0a-4f0e-8a53-5f2a6c7b8d90';
/** What the tree and mke2fs have as times otherwise (seconds since 1970). */
const SECONDS = '1700000000';
const LIMIT_MS = 300_000;

export interface DiskImage {
  /** Removed at the end. */
  readonly tree: string;
  readonly path: string;
  readonly megabytes: number;
}

export async function makeDiskImage({ tree, path, megabytes }: DiskImage): Promise<void> {
  const script = `
    find "$1" -exec touch -h -d "@${SECONDS}" {} +
    mkfs.ext4 -q -F -i 8192 -U "$4" -E "hash_seed=$4,nodiscard" -d "$1" "$2" "$3M"
    rm -rf "$1"`;
  await runChecked('sh', ['-ec', script, '-', tree, path, String(megabytes), IDENTIFIER], {
    limitMs: LIMIT_MS,
    environment: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, E2FSPROGS_FAKE_TIME: SECONDS },
  });
}
