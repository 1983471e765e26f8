// The invitation token: everything a new node needs to join, as one word. Layout in docs/format/state.md:
// `pfs1` + base64url of {volume id 16, volume secret 32, inviter key 32, invitation proof 32, address (UTF-8), CRC32C 4}.
import { native } from '../addon/addon.ts';
import { PacketFsError } from '../base/errors.ts';
import { INVITATION_PROOF_BYTES } from './invitations.ts';
import type { VolumeKey } from './key-files.ts';

export interface Token {
  readonly volume: VolumeKey;
  readonly inviter: Uint8Array;
  readonly proof: Uint8Array;
  /** `host:port`, or empty. */
  readonly address: string;
}

const PREFIX = 'pfs1';
const CHECK_BYTES = 4;
const FIXED_BYTES = 16 + 32 + 32 + INVITATION_PROOF_BYTES;
const ADDRESS_BYTES_MAX = 270;

export function encodeToken(token: Token): string {
  const body = Buffer.concat([
    token.volume.id,
    token.volume.secret,
    token.inviter,
    token.proof,
    Buffer.from(token.address, 'utf8'),
  ]);
  const check = Buffer.alloc(CHECK_BYTES);
  check.writeUInt32LE(native.crc32c(body));
  return PREFIX + Buffer.concat([body, check]).toString('base64url');
}

export function decodeToken(text: string): Token {
  const bad = (): PacketFsError =>
    new PacketFsError('PFS_BAD_TOKEN', 'This is not a whole token: copy the last line that `pfs invite` printed.');
  const trimmed = text.trim();
  if (!trimmed.startsWith(PREFIX)) throw bad();
  const bytes = Buffer.from(trimmed.slice(PREFIX.length), 'base64url');
  const bodyLength = bytes.length - CHECK_BYTES;
  if (bodyLength < FIXED_BYTES || bodyLength > FIXED_BYTES + ADDRESS_BYTES_MAX) throw bad();
  const body = bytes.subarray(0, bodyLength);
  if (native.crc32c(body) !== bytes.readUInt32LE(bodyLength)) throw bad();
  return {
    volume: { id: body.subarray(0, 16), secret: body.subarray(16, 48) },
    inviter: body.subarray(48, 80),
    proof: body.subarray(80, FIXED_BYTES),
    address: body.subarray(FIXED_BYTES).toString('utf8'),
  };
}
