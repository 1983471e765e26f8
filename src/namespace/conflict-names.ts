// How an inode is shown that shares its name with a newer one: `name.pfs-conflict-<8 hex of node>-<unix seconds>`, the
// node and time of the operation that gave it the name. The base is cut where the whole would exceed NAME_BYTES_MAX.
import { NAME_BYTES_MAX } from '../base/limits.ts';
import { hybridSeconds } from './hybrid-clock.ts';
import type { LogTable } from './logs.ts';
import type { Stamp } from './state.ts';

export const CONFLICT_MARK = '.pfs-conflict-';
const NODE_HEX = 8;

/** `key` and result are latin1 strings; `earlier` counts names with the same suffix before this one. */
export function conflictName(key: string, stamp: Stamp | undefined, logs: LogTable, earlier: number): string {
  const node = stamp === undefined ? '' : (logs.get(stamp.log)?.nodeHex ?? '');
  const seconds = stamp === undefined ? 0n : hybridSeconds(stamp.clock);
  const again = earlier === 0 ? '' : `-${earlier}`;
  const suffix = `${CONFLICT_MARK}${node.slice(0, NODE_HEX).padEnd(NODE_HEX, '0')}-${seconds}${again}`;
  return key.slice(0, NAME_BYTES_MAX - suffix.length) + suffix;
}
