// members/<public key in hex>.json: the peers of the volume. A key that is not here is refused by the transport.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PacketFsError } from '../base/errors.ts';
import { PEERS_MAX } from '../base/limits.ts';
import { isFileError, readTextFile, writeFileDurably } from './state-files.ts';

export interface Member {
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** `host:port` where it was last told to be; may be empty. */
  readonly addresses: readonly string[];
  /** The invitation to show at the first connection, until it has been taken. */
  readonly invitation: Uint8Array | undefined;
}

const KEY_NAME = /^[0-9a-f]{64}\.json$/;

const membersDirectory = (stateDirectory: string): string => join(stateDirectory, 'members');
const memberPath = (stateDirectory: string, publicKey: Uint8Array): string =>
  join(membersDirectory(stateDirectory), `${Buffer.from(publicKey).toString('hex')}.json`);

export function writeMember(stateDirectory: string, member: Member): void {
  const known = listMembers(stateDirectory);
  const isNew = !known.some((other) => Buffer.compare(other.publicKey, member.publicKey) === 0);
  if (isNew && known.length >= PEERS_MAX) {
    throw new PacketFsError('PFS_INVALID', `A volume has at most ${PEERS_MAX} peers: remove one first.`);
  }
  const record = {
    version: 1,
    addresses: member.addresses,
    ...(member.invitation === undefined ? {} : { invitation: Buffer.from(member.invitation).toString('hex') }),
  };
  writeFileDurably(memberPath(stateDirectory, member.publicKey), `${JSON.stringify(record, undefined, 2)}\n`);
}

export function listMembers(stateDirectory: string): Member[] {
  return memberFiles(membersDirectory(stateDirectory)).map((file) => readMember(stateDirectory, file));
}

/** Every member's file, and what is wrong with it where it cannot be used. */
export function inspectMembers(stateDirectory: string): { readonly file: string; readonly problem?: string }[] {
  return memberFiles(membersDirectory(stateDirectory)).map((name) => {
    const file = join('members', name);
    try {
      readMember(stateDirectory, name);
      return { file };
    } catch (error) {
      return { file, problem: error instanceof Error ? error.message : String(error) };
    }
  });
}

function memberFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => KEY_NAME.test(file))
      .sort();
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return [];
    throw new PacketFsError('PFS_IO', `Cannot list ${directory}: check its permissions.`, { cause: error });
  }
}

function readMember(stateDirectory: string, file: string): Member {
  const path = join(membersDirectory(stateDirectory), file);
  const publicKey = Buffer.from(file.slice(0, 64), 'hex');
  const record = parseRecord(path, readTextFile(path) ?? '');
  return { publicKey, ...record };
}

function parseRecord(path: string, text: string): Omit<Member, 'publicKey'> {
  const bad = (cause?: unknown): PacketFsError =>
    new PacketFsError('PFS_CORRUPT', `The member file ${path} is damaged: delete it and invite that peer again.`, {
      cause,
      facts: { path },
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(error);
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) throw bad();
  const addresses = 'addresses' in value ? value.addresses : undefined;
  const invitation = 'invitation' in value ? value.invitation : undefined;
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === 'string')) throw bad();
  if (invitation !== undefined && typeof invitation !== 'string') throw bad();
  return { addresses, invitation: invitation === undefined ? undefined : Buffer.from(invitation, 'hex') };
}
