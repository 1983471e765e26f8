// What a commit does to Level, key by key; and the one way to decode what comes from it.
import { PacketFsError } from '../base/errors.ts';

export type Change =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Buffer };

export function decoded<Value>(decode: () => Value): Value {
  try {
    return decode();
  } catch (cause) {
    throw new PacketFsError('PFS_CORRUPT', 'A record of the namespace does not decode', { cause });
  }
}
