// Who this node is and who its peers are: making a volume, inviting, joining. Works on the files of the state
// directory alone, so it needs no running daemon (docs/design/0003).
import { PacketFsError } from '../base/errors.ts';
import { issueInvitation } from './invitations.ts';
import {
  createNodeKey,
  type NodeKey,
  newVolumeKey,
  readNodeKey,
  readVolumeKey,
  type VolumeKey,
  writeVolumeKey,
} from './key-files.ts';
import { writeMember } from './members.ts';
import { makePrivateDirectory } from './state-files.ts';
import { decodeToken, encodeToken } from './token.ts';

export interface Identity {
  readonly node: NodeKey;
  readonly volume: VolumeKey;
}

export const DEFAULT_STATE_DIRECTORY = '/var/lib/packetfs/default';

/** Makes a new volume. PFS_VOLUME_EXISTS when the state directory has one. */
export function initialise(stateDirectory: string): Identity {
  makePrivateDirectory(stateDirectory);
  refuseExistingVolume(stateDirectory);
  const node = readNodeKey(stateDirectory) ?? createNodeKey(stateDirectory);
  const volume = newVolumeKey();
  writeVolumeKey(stateDirectory, volume);
  return { node, volume };
}

/** The node's and the volume's keys. PFS_NO_VOLUME when there is none. */
export function loadIdentity(stateDirectory: string): Identity {
  const node = readNodeKey(stateDirectory);
  const volume = readVolumeKey(stateDirectory);
  if (node === undefined || volume === undefined) {
    throw new PacketFsError(
      'PFS_NO_VOLUME',
      `There is no volume in ${stateDirectory}: make one with \`pfs init\`, or join one with \`pfs join TOKEN\` (a token comes from \`pfs invite\` on a machine that has the volume).`,
      { facts: { stateDirectory } },
    );
  }
  return { node, volume };
}

/** A single-use token, good for 24 hours. `address` (`host:port`) tells the joiner where this node listens. */
export function createInvitation(stateDirectory: string, options: { address?: string; nowMs?: number } = {}): string {
  const identity = loadIdentity(stateDirectory);
  const proof = issueInvitation(stateDirectory, options.nowMs ?? Date.now());
  return encodeToken({
    volume: identity.volume,
    inviter: identity.node.publicKey,
    proof,
    address: options.address ?? '',
  });
}

/** Joins the volume of a token: nothing is trusted that the token does not carry. */
export function acceptInvitation(stateDirectory: string, text: string): Identity {
  const token = decodeToken(text);
  makePrivateDirectory(stateDirectory);
  refuseExistingVolume(stateDirectory);
  const node = readNodeKey(stateDirectory) ?? createNodeKey(stateDirectory);
  writeMember(stateDirectory, {
    publicKey: token.inviter,
    addresses: token.address === '' ? [] : [token.address],
    invitation: token.proof,
  });
  writeVolumeKey(stateDirectory, token.volume);
  return { node, volume: token.volume };
}

function refuseExistingVolume(stateDirectory: string): void {
  if (readVolumeKey(stateDirectory) === undefined) return;
  throw new PacketFsError(
    'PFS_VOLUME_EXISTS',
    `${stateDirectory} already has a volume: use another --state directory, or remove this one if it is not needed.`,
    { facts: { stateDirectory } },
  );
}
