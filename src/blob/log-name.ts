// A log's global name as text: `<64 hex digits of the node's key>-<epoch>`, the name of its directory under blob/
// (docs/format/blob.md) and its key in maps.
import { assert } from '../base/assert.ts';

export interface LogName {
  /** X25519 public key, 32 bytes. */
  readonly node: Uint8Array;
  /** 1, 2, … */
  readonly epoch: number;
}

export const NODE_KEY_BYTES = 32;
/** format: epochs fit 32 bits and begin at 1. */
export const EPOCH_MAX = 0xffff_ffff;

const pattern = /^([0-9a-f]{64})-([1-9][0-9]{0,9})$/;

export function logNameText(name: LogName): string {
  assert(name.node.length === NODE_KEY_BYTES, 'a node key has 32 bytes');
  assert(Number.isInteger(name.epoch) && name.epoch >= 1 && name.epoch <= EPOCH_MAX, 'an epoch is 1 to 2^32-1');
  return `${Buffer.from(name.node).toString('hex')}-${name.epoch}`;
}

/** Undefined when the text is not a log's name. */
export function parseLogName(text: string): LogName | undefined {
  const match = pattern.exec(text);
  const [, node, epoch] = match ?? [];
  if (node === undefined || epoch === undefined || Number(epoch) > EPOCH_MAX) return undefined;
  return { node: new Uint8Array(Buffer.from(node, 'hex')), epoch: Number(epoch) };
}

export const sameNode = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;
