// Names of logs as map keys. A log's global name is (node, epoch); its key is `<hex of node>-<epoch>`.
import type { LogName } from './ports.ts';

export type LogKey = string;

export const hexOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
};

const keys = new WeakMap<LogName, LogKey>();

export function logKey(log: LogName): LogKey {
  const known = keys.get(log);
  if (known !== undefined) return known;
  const key = `${hexOf(log.node)}-${log.epoch}`;
  keys.set(log, key);
  return key;
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
