// pino behind the Logger interface: JSON lines to a file descriptor, level from configuration. Keys and file contents
// are never logged; file names only at `debug` (STYLE, Logs).
import { pino, stdSerializers } from 'pino';
import type { Logger } from '../base/clock.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function createLogger(options: { level: LogLevel; fd?: number }): Logger {
  // Without its serializer an Error is written as {}: its message is no enumerable property.
  const serializers = { error: stdSerializers.err };
  return pino({ level: options.level, base: null, serializers }, pino.destination({ fd: options.fd ?? 2, sync: true }));
}
