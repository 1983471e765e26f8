// pino behind the Logger interface: JSON lines to a file descriptor, level from configuration. Keys and file contents
// are never logged; file names only at `debug` (STYLE, Logs).
import { pino } from 'pino';
import type { Logger } from '../base/clock.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export function createLogger(options: { level: LogLevel; fd?: number }): Logger {
  return pino({ level: options.level, base: null }, pino.destination({ fd: options.fd ?? 2, sync: true }));
}
