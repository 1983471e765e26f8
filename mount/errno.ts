// The only table from PacketFS error codes to errno (STYLE, Errors). An error that is none of these is a bug or a
// failure below us: EIO, and the caller logs it.
import { constants } from 'node:os';
import { type ErrorCode, PacketFsError } from '../src/base/errors.ts';

const { errno } = constants;

/** Linux's ESTALE, EOPNOTSUPP and ENODATA are in node:os too; a missing one would be undefined and fail to compile. */
const ERRNO_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  PFS_NO_ENTRY: errno.ENOENT,
  PFS_EXISTS: errno.EEXIST,
  PFS_NOT_DIRECTORY: errno.ENOTDIR,
  PFS_IS_DIRECTORY: errno.EISDIR,
  PFS_NOT_EMPTY: errno.ENOTEMPTY,
  PFS_NAME_TOO_LONG: errno.ENAMETOOLONG,
  PFS_INVALID: errno.EINVAL,
  PFS_NO_ATTRIBUTE: errno.ENODATA,
  PFS_ATTRIBUTE_TOO_LARGE: errno.E2BIG,
  PFS_NOT_SUPPORTED: errno.EOPNOTSUPP,
  PFS_NOT_PERMITTED: errno.EPERM,
  PFS_ACCESS_DENIED: errno.EACCES,
  PFS_TOO_MANY_LINKS: errno.EMLINK,
  PFS_FILE_TOO_LARGE: errno.EFBIG,
  PFS_STALE: errno.ESTALE,
  PFS_LOOP: errno.ELOOP,
  PFS_READ_ONLY: errno.EROFS,
  PFS_NO_SPACE: errno.ENOSPC,
  PFS_NO_DATA: errno.ENXIO,
  PFS_IO: errno.EIO,
  PFS_TIMEOUT: errno.EIO,
  PFS_NO_VOLUME: errno.EIO,
  PFS_VOLUME_EXISTS: errno.EIO,
  PFS_LOCKED: errno.EIO,
  PFS_BAD_KEY: errno.EIO,
  PFS_CORRUPT: errno.EIO,
  PFS_MISSING_BYTES: errno.EIO,
  PFS_BAD_TOKEN: errno.EIO,
  PFS_TOKEN_USED: errno.EIO,
  PFS_UNKNOWN_PEER: errno.EIO,
  PFS_UNREACHABLE: errno.EIO,
  PFS_REFUSED: errno.EIO,
  PFS_PROTOCOL: errno.EIO,
  PFS_NO_DAEMON: errno.EIO,
  PFS_USAGE: errno.EINVAL,
  PFS_MOUNT: errno.EIO,
  PFS_CLOSED: errno.ENODEV,
};

export const EEXIST = errno.EEXIST;
export const EINVAL = errno.EINVAL;
export const EIO = errno.EIO;
export const ENAMETOOLONG = errno.ENAMETOOLONG;
export const ENODATA = errno.ENODATA;
export const ENOENT = errno.ENOENT;
export const ENOSYS = errno.ENOSYS;
export const ENOTCONN = errno.ENOTCONN;
export const EOPNOTSUPP = errno.EOPNOTSUPP;
export const ERANGE = errno.ERANGE;
export const ESTALE = errno.ESTALE;
export const EBUSY = errno.EBUSY;

export const errnoOfCode = (code: ErrorCode): number => ERRNO_OF_CODE[code];

/** errno (positive) of anything thrown; the native content store's errors carry their own. */
export function errnoOf(error: unknown): number {
  if (error instanceof PacketFsError) return errnoOfCode(error.code);
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number' && error.errno > 0) {
    return error.errno;
  }
  return EIO;
}
