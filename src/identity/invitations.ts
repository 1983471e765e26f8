// invitations/<id>.json: what an invitation leaves with the inviter until it is taken or expires. Only a hash of its
// secret is kept. Taking one unlinks the file first, so it works once even if two joiners race.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PacketFsError } from '../base/errors.ts';
import { INVITATION_MAX_MS } from '../base/limits.ts';
import { isFileError, readTextFile, syncDirectory, writeFileDurably } from './state-files.ts';

const ID_BYTES = 16;
const SECRET_BYTES = 16;
/** What a joiner shows in its first handshake: id, then secret. */
export const INVITATION_PROOF_BYTES = ID_BYTES + SECRET_BYTES;

const directoryOf = (stateDirectory: string): string => join(stateDirectory, 'invitations');
const pathOf = (stateDirectory: string, id: Uint8Array): string =>
  join(directoryOf(stateDirectory), `${Buffer.from(id).toString('hex')}.json`);
const hashOf = (secret: Uint8Array): string => createHash('sha256').update(secret).digest('hex');

/** Makes an invitation and returns its proof; `nowMs` is Unix time. */
export function issueInvitation(stateDirectory: string, nowMs: number): Uint8Array {
  const proof = randomBytes(INVITATION_PROOF_BYTES);
  const record = { version: 1, secretSha256: hashOf(proof.subarray(ID_BYTES)), expiresAtMs: nowMs + INVITATION_MAX_MS };
  writeFileDurably(pathOf(stateDirectory, proof.subarray(0, ID_BYTES)), `${JSON.stringify(record)}\n`);
  return proof;
}

/** True when the proof names an invitation that is good; it is spent by this call. */
export function redeemInvitation(stateDirectory: string, proof: Uint8Array, nowMs: number): boolean {
  if (proof.length !== INVITATION_PROOF_BYTES) return false;
  const path = pathOf(stateDirectory, proof.subarray(0, ID_BYTES));
  const record = parse(readTextFile(path));
  if (record === undefined) return false;
  const expected = Buffer.from(record.secretSha256, 'hex');
  const shown = Buffer.from(hashOf(proof.subarray(ID_BYTES)), 'hex');
  if (expected.length !== shown.length || !timingSafeEqual(expected, shown)) return false;
  try {
    unlinkSync(path);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return false;
    throw new PacketFsError('PFS_IO', `Cannot remove the invitation ${path}: check its permissions.`, { cause: error });
  }
  syncDirectory(directoryOf(stateDirectory));
  return nowMs < record.expiresAtMs;
}

function parse(text: string | undefined): { secretSha256: string; expiresAtMs: number } | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('secretSha256' in value) || typeof value.secretSha256 !== 'string') return undefined;
    if (!('expiresAtMs' in value) || typeof value.expiresAtMs !== 'number') return undefined;
    return { secretSha256: value.secretSha256, expiresAtMs: value.expiresAtMs };
  } catch {
    return undefined; // a damaged invitation is as good as none: the joiner is refused and a new one can be made
  }
}
