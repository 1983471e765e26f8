// Every exit code of `pfs`, and the only map from errors to them (DESIGN §9).
import { type ErrorCode, isPacketFsError } from '../base/errors.ts';

export const EXIT_CODES = {
  success: 0,
  usage: 1,
  system: 2,
  foundErrors: 3,
  noVolume: 10,
  locked: 11,
  badKey: 12,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Errors that the user can repair by typing something else, and those with a code of their own; all others: system. */
const EXIT_CODE_OF: Partial<Record<ErrorCode, ExitCode>> = {
  PFS_USAGE: EXIT_CODES.usage,
  PFS_BAD_TOKEN: EXIT_CODES.usage,
  PFS_UNKNOWN_PEER: EXIT_CODES.usage,
  PFS_NO_VOLUME: EXIT_CODES.noVolume,
  PFS_LOCKED: EXIT_CODES.locked,
  PFS_BAD_KEY: EXIT_CODES.badKey,
};

export const exitCodeOf = (error: unknown): ExitCode =>
  (isPacketFsError(error) ? EXIT_CODE_OF[error.code] : undefined) ?? EXIT_CODES.system;
