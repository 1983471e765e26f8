// node.key and volume.key: text files of three lines {title, fields…, check}; the check is the CRC32C of the lines
// before it, so a damaged key is told apart from a wrong one. Format: docs/format/state.md.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { native } from '../addon/addon.ts';
import { PacketFsError } from '../base/errors.ts';
import { readTextFile, writeFileDurably } from './state-files.ts';

export interface NodeKey {
  /** X25519, 32 bytes each. */
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export interface VolumeKey {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

const NODE_TITLE = 'packetfs node key 1';
const VOLUME_TITLE = 'packetfs volume key 1';
const KEY_BYTES = 32;
const VOLUME_ID_BYTES = 16;
/** RFC 8410: the DER prefix of a PKCS #8 X25519 private key. */
const PKCS8_X25519_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

export const nodeKeyPath = (stateDirectory: string): string => join(stateDirectory, 'node.key');
export const volumeKeyPath = (stateDirectory: string): string => join(stateDirectory, 'volume.key');

export function createNodeKey(stateDirectory: string): NodeKey {
  const { privateKey } = generateKeyPairSync('x25519');
  const secretKey = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_X25519_PREFIX.length);
  writeKeyFile(nodeKeyPath(stateDirectory), NODE_TITLE, { secret: secretKey });
  return { publicKey: publicKeyOf(secretKey), secretKey };
}

export function readNodeKey(stateDirectory: string): NodeKey | undefined {
  const fields = readKeyFile(nodeKeyPath(stateDirectory), NODE_TITLE, { secret: KEY_BYTES });
  if (fields === undefined) return undefined;
  return { publicKey: publicKeyOf(fields.secret), secretKey: fields.secret };
}

export const newVolumeKey = (): VolumeKey => ({ id: randomBytes(VOLUME_ID_BYTES), secret: randomBytes(KEY_BYTES) });

export function writeVolumeKey(stateDirectory: string, key: VolumeKey): void {
  writeKeyFile(volumeKeyPath(stateDirectory), VOLUME_TITLE, { id: key.id, secret: key.secret });
}

export function readVolumeKey(stateDirectory: string): VolumeKey | undefined {
  return readKeyFile(volumeKeyPath(stateDirectory), VOLUME_TITLE, { id: VOLUME_ID_BYTES, secret: KEY_BYTES });
}

function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_X25519_PREFIX, secretKey]),
    format: 'der',
    type: 'pkcs8',
  });
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return der.subarray(der.length - KEY_BYTES);
}

function writeKeyFile(path: string, title: string, fields: Readonly<Record<string, Uint8Array>>): void {
  const lines = Object.entries(fields).map(([name, value]) => `${name} ${Buffer.from(value).toString('hex')}\n`);
  const body = `${title}\n${lines.join('')}`;
  writeFileDurably(path, `${body}check ${checkOf(body)}\n`);
}

function readKeyFile<Name extends string>(
  path: string,
  title: string,
  sizes: Readonly<Record<Name, number>>,
): Record<Name, Uint8Array> | undefined {
  const text = readTextFile(path);
  if (text === undefined) return undefined;
  const checkStart = text.lastIndexOf('check ');
  const body = text.slice(0, Math.max(0, checkStart));
  if (!body.startsWith(`${title}\n`) || text.slice(checkStart).trim() !== `check ${checkOf(body)}`) throw badKey(path);
  const found = new Map<string, Uint8Array>();
  for (const line of body.split('\n').slice(1, -1)) {
    const [name = '', value = ''] = line.split(' ');
    found.set(name, Buffer.from(value, 'hex'));
  }
  const fields: Partial<Record<Name, Uint8Array>> = {};
  for (const name of Object.keys(sizes) as Name[]) {
    const value = found.get(name);
    if (value === undefined || value.length !== sizes[name]) throw badKey(path);
    fields[name] = value;
  }
  return fields as Record<Name, Uint8Array>;
}

const checkOf = (body: string): string => native.crc32c(Buffer.from(body)).toString(16).padStart(8, '0');

const badKey = (path: string): PacketFsError =>
  new PacketFsError('PFS_BAD_KEY', `The key file ${path} is damaged: restore it from a copy.`, { facts: { path } });
