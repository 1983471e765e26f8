// Operating errors: what can go wrong while PacketFS is right. Every code is listed, with what to
// do about it, in docs/ERRORS.md (a test holds the two together). Only mount/errno.ts maps codes
// to errno, only src/cli/exit-codes.ts to exit codes.

export type ErrorCode =
  // filesystem outcomes
  | 'PFS_NO_ENTRY'
  | 'PFS_EXISTS'
  | 'PFS_NOT_DIRECTORY'
  | 'PFS_IS_DIRECTORY'
  | 'PFS_NOT_EMPTY'
  | 'PFS_NAME_TOO_LONG'
  | 'PFS_INVALID'
  | 'PFS_NO_ATTRIBUTE'
  | 'PFS_ATTRIBUTE_TOO_LARGE'
  | 'PFS_NOT_SUPPORTED'
  | 'PFS_NOT_PERMITTED'
  | 'PFS_ACCESS_DENIED'
  | 'PFS_TOO_MANY_LINKS'
  | 'PFS_FILE_TOO_LARGE'
  | 'PFS_STALE'
  | 'PFS_LOOP'
  | 'PFS_READ_ONLY'
  | 'PFS_NO_SPACE'
  | 'PFS_NO_DATA'
  | 'PFS_IO'
  | 'PFS_TIMEOUT'
  // volume and state
  | 'PFS_NO_VOLUME'
  | 'PFS_VOLUME_EXISTS'
  | 'PFS_LOCKED'
  | 'PFS_BAD_KEY'
  | 'PFS_CORRUPT'
  | 'PFS_MISSING_BYTES'
  | 'PFS_BAD_TOKEN'
  | 'PFS_TOKEN_USED'
  | 'PFS_UNKNOWN_PEER'
  // transport and control
  | 'PFS_UNREACHABLE'
  | 'PFS_REFUSED'
  | 'PFS_PROTOCOL'
  | 'PFS_NO_DAEMON'
  | 'PFS_USAGE'
  | 'PFS_MOUNT'
  | 'PFS_CLOSED';

export type ErrorFacts = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** What programs provoke all day (`ls` of a missing file): no stack is taken for these, it costs more than the answer. */
const EVERYDAY: ReadonlySet<ErrorCode> = new Set(['PFS_NO_ENTRY', 'PFS_EXISTS', 'PFS_NO_ATTRIBUTE']);

export class PacketFsError extends Error {
  override readonly name = 'PacketFsError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  /** `message` is one sentence that says what happened and what to do. */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; facts?: ErrorFacts } = {}) {
    const { stackTraceLimit } = Error;
    if (EVERYDAY.has(code)) Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

export const isPacketFsError = (error: unknown, code?: ErrorCode): error is PacketFsError =>
  error instanceof PacketFsError && (code === undefined || error.code === code);
