// Tokens and the small files of a state directory, mutated: the documented error with a path or a hint, or what was
// there; never another exception, never a key of another size.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { decodeMemberEntry, encodeMemberEntry } from '../../../src/daemon/membership.ts';
import { issueInvitation, redeemInvitation } from '../../../src/identity/invitations.ts';
import {
  createNodeKey,
  newVolumeKey,
  nodeKeyPath,
  readNodeKey,
  readVolumeKey,
  volumeKeyPath,
  writeVolumeKey,
} from '../../../src/identity/key-files.ts';
import { listMembers, writeMember } from '../../../src/identity/members.ts';
import { decodeToken, encodeToken } from '../../../src/identity/token.ts';
import { asText } from '../../support/as-text.ts';
import { fuzz } from '../../support/mutations.ts';

const test = suite('mutated identities');

const FILE_ROUNDS = 2000;
const directory = mkdtempSync(join(tmpdir(), 'identity-fuzz-'));

/** The value, or undefined for an error with this code; any other error is thrown. */
function unless<Value>(code: string, decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch (error) {
    if (isPacketFsError(error) && error.code === code) return undefined;
    throw error;
  }
}

test('tokens: the one that was made, or PFS_BAD_TOKEN', () => {
  const token = {
    volume: newVolumeKey(),
    inviter: new Uint8Array(32).fill(3),
    proof: new Uint8Array(32).fill(4),
    address: 'host.example:7433',
  };
  const texts = [encodeToken(token), encodeToken({ ...token, address: '' })];
  const known = texts.map((text) => asText(decodeToken(text)));
  fuzz({
    samples: texts.map((text) => Buffer.from(text)),
    rounds: 20_000,
    check: (bytes) => {
      const decoded = unless('PFS_BAD_TOKEN', () => decodeToken(Buffer.from(bytes).toString('utf8')));
      // The check is a CRC32C of 130 bytes: what passes it is what was made, written another way.
      assert.ok(decoded === undefined || known.includes(asText(decoded)));
    },
  });
});

test('key files: the key that was written, or PFS_BAD_KEY', () => {
  const nodeKey = createNodeKey(directory);
  const volumeKey = newVolumeKey();
  writeVolumeKey(directory, volumeKey);
  const files = [
    { path: nodeKeyPath(directory), read: () => readNodeKey(directory), written: asText(nodeKey) },
    { path: volumeKeyPath(directory), read: () => readVolumeKey(directory), written: asText(volumeKey) },
  ];
  for (const { path, read, written } of files) {
    fuzz({
      samples: [readFileSync(path)],
      rounds: FILE_ROUNDS,
      check: (bytes) => {
        writeFileSync(path, bytes);
        const key = unless<unknown>('PFS_BAD_KEY', read);
        assert.ok(key === undefined || asText(key) === written);
      },
    });
  }
});

test('member files: a member of the right shape, or PFS_CORRUPT', () => {
  const publicKey = new Uint8Array(32).fill(7);
  writeMember(directory, { publicKey, addresses: ['10.0.0.1:7433', '[::1]:1'], invitation: new Uint8Array(32) });
  const [name = ''] = readdirSync(join(directory, 'members'));
  const path = join(directory, 'members', name);
  fuzz({
    samples: [readFileSync(path)],
    rounds: FILE_ROUNDS,
    check: (bytes) => {
      writeFileSync(path, bytes);
      for (const member of unless('PFS_CORRUPT', () => listMembers(directory)) ?? []) {
        assert.equal([...member.publicKey], [...publicKey]);
        assert.ok(member.addresses.every((address) => typeof address === 'string'));
        assert.ok(member.invitation === undefined || member.invitation instanceof Uint8Array);
      }
    },
  });
});

test('what a peer tells of a member: an entry of the right shape, or nothing', () => {
  const entry = { publicKey: new Uint8Array(32).fill(7), addresses: ['10.0.0.1:7433', '[::1]:1'] };
  fuzz({
    samples: [encodeMemberEntry(entry), encodeMemberEntry({ ...entry, addresses: [] })],
    rounds: 20_000,
    check: (bytes) => {
      const decoded = decodeMemberEntry(bytes);
      if (decoded === undefined) return;
      assert.is(decoded.publicKey.length, 32);
      assert.equal(asText(decodeMemberEntry(encodeMemberEntry(decoded))), asText(decoded));
    },
  });
});

test('invitations: only the proof that was issued redeems one, and a damaged one redeems nothing', () => {
  mkdirSync(join(directory, 'invitations'), { recursive: true });
  const proof = issueInvitation(directory, 0);
  const [name = ''] = readdirSync(join(directory, 'invitations'));
  const path = join(directory, 'invitations', name);
  const whole = readFileSync(path);
  fuzz({
    samples: [proof],
    rounds: FILE_ROUNDS,
    check: (bytes) => {
      const isIssued = Buffer.compare(bytes, proof) === 0;
      assert.is(redeemInvitation(directory, bytes, 1), isIssued);
      assert.is(existsSync(path), !isIssued);
      if (isIssued) writeFileSync(path, whole);
    },
  });
  const other = Buffer.from(proof);
  other.writeUInt8(other.readUInt8(31) ^ 1, 31);
  fuzz({
    samples: [whole],
    rounds: FILE_ROUNDS,
    check: (bytes) => {
      writeFileSync(path, bytes);
      assert.not(redeemInvitation(directory, other, 1));
      redeemInvitation(directory, proof, 1);
    },
  });
});

test.run();
