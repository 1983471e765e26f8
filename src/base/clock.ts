// Interfaces for what is not deterministic: time, randomness, logging. Pure folders take them as
// arguments, so a whole cluster runs under a virtual clock and a seeded generator.
import type { Milliseconds, Nanoseconds } from './units.ts';

export interface Clock {
  /** Monotonic. */
  monotonic(): Milliseconds;
  /** Wall time, for timestamps of files and for the hybrid clock. */
  wall(): Nanoseconds;
}

export interface Random {
  /** `length` unpredictable (or seeded) bytes. */
  bytes(length: number): Uint8Array;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Constant message, facts in fields with units (STYLE, Logs). */
export interface Logger {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => silentLogger,
};
