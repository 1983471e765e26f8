// The addon's failures (an errno and a system call) as PacketFsError: the one place of the volume that knows errno
// values; what they become again for the kernel is mount/errno.ts.
import { constants } from 'node:os';
import { type ErrorCode, PacketFsError } from '../base/errors.ts';

const { errno } = constants;

const codes: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [errno.ENOSPC, 'PFS_NO_SPACE'],
  [errno.EDQUOT, 'PFS_NO_SPACE'],
  [errno.EFBIG, 'PFS_FILE_TOO_LARGE'],
  [errno.EINVAL, 'PFS_INVALID'],
  [errno.EBADMSG, 'PFS_CORRUPT'],
  [errno.EROFS, 'PFS_READ_ONLY'],
  [errno.EOPNOTSUPP, 'PFS_NOT_SUPPORTED'],
]);

export function nativeErrno(error: unknown): number | undefined {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number'
    ? Math.abs(error.errno)
    : undefined;
}

/** `sentence` says what was being done. An error that already has a code is passed on. */
export function translateNativeError(error: unknown, sentence: string): PacketFsError {
  if (error instanceof PacketFsError) return error;
  const number = nativeErrno(error);
  const code = (number === undefined ? undefined : codes.get(number)) ?? 'PFS_IO';
  const reason = error instanceof Error ? error.message : String(error);
  return new PacketFsError(code, `${sentence}: ${reason}`, { cause: error, facts: { errno: number } });
}
