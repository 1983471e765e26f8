// Keys, tokens and invitations, on real files.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { INVITATION_MAX_MS } from '../../../src/base/limits.ts';
import { acceptInvitation, createInvitation, initialise, loadIdentity } from '../../../src/identity/identity.ts';
import { redeemInvitation } from '../../../src/identity/invitations.ts';
import { nodeKeyPath, volumeKeyPath } from '../../../src/identity/key-files.ts';
import { listMembers, writeMember } from '../../../src/identity/members.ts';
import { decodeToken } from '../../../src/identity/token.ts';

const identity = suite<{ directory: string }>('identity');
identity.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pfs-identity-'));
});
identity.after.each((context) => rmSync(context.directory, { recursive: true }));

const throwsCode = (code: string, action: () => unknown): void =>
  assert.throws(action, (error: unknown) => isPacketFsError(error) && error.code === code);

identity('keys read back are the keys that were made, private to the owner', ({ directory }) => {
  const made = initialise(directory);
  const read = loadIdentity(directory);
  assert.equal(Buffer.from(read.node.publicKey), Buffer.from(made.node.publicKey));
  assert.equal(Buffer.from(read.volume.secret), Buffer.from(made.volume.secret));
  for (const path of [nodeKeyPath(directory), volumeKeyPath(directory)]) {
    assert.is(statSync(path).mode & 0o777, 0o600);
  }
});

identity('a second init is refused and changes nothing', ({ directory }) => {
  initialise(directory);
  const before = readFileSync(volumeKeyPath(directory));
  throwsCode('PFS_VOLUME_EXISTS', () => initialise(directory));
  assert.equal(readFileSync(volumeKeyPath(directory)), before);
});

identity('no volume is reported as such, with what to do', ({ directory }) => {
  throwsCode('PFS_NO_VOLUME', () => loadIdentity(directory));
});

identity('any changed byte of a key file is refused as a damaged key', ({ directory }) => {
  initialise(directory);
  const path = volumeKeyPath(directory);
  const whole = readFileSync(path);
  for (let position = 0; position < whole.length - 1; position++) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(position) ^ 1, position);
    writeFileSync(path, damaged);
    throwsCode('PFS_BAD_KEY', () => loadIdentity(directory));
  }
});

identity('a joiner has the volume and knows the inviter, with the proof to show', ({ directory }) => {
  const inviter = initialise(join(directory, 'a'));
  const token = createInvitation(join(directory, 'a'), { address: 'alpha:7433' });
  const joined = acceptInvitation(join(directory, 'b'), token);
  assert.equal(Buffer.from(joined.volume.secret), Buffer.from(inviter.volume.secret));
  const [member] = listMembers(join(directory, 'b'));
  assert.equal(member && Buffer.from(member.publicKey), Buffer.from(inviter.node.publicKey));
  assert.equal(member?.addresses, ['alpha:7433']);
  assert.equal(member?.invitation && Buffer.from(member.invitation), Buffer.from(decodeToken(token).proof));
});

identity('an invitation is good once', ({ directory }) => {
  initialise(directory);
  const { proof } = decodeToken(createInvitation(directory));
  assert.is(redeemInvitation(directory, proof, Date.now()), true);
  assert.is(redeemInvitation(directory, proof, Date.now()), false);
});

identity('an invitation with a wrong secret is refused and stays good', ({ directory }) => {
  initialise(directory);
  const { proof } = decodeToken(createInvitation(directory));
  const wrong = Buffer.from(proof);
  wrong.writeUInt8(wrong.readUInt8(31) ^ 1, 31);
  assert.is(redeemInvitation(directory, wrong, Date.now()), false);
  assert.is(redeemInvitation(directory, proof, Date.now()), true);
});

identity('an invitation is good for 24 hours and no longer', ({ directory }) => {
  initialise(directory);
  const nowMs = Date.now();
  const first = decodeToken(createInvitation(directory, { nowMs })).proof;
  const second = decodeToken(createInvitation(directory, { nowMs })).proof;
  assert.is(redeemInvitation(directory, first, nowMs + INVITATION_MAX_MS - 1), true);
  assert.is(redeemInvitation(directory, second, nowMs + INVITATION_MAX_MS), false);
});

identity('every single changed character of a token is refused', ({ directory }) => {
  initialise(directory);
  const token = createInvitation(directory);
  for (let position = 0; position < token.length - 1; position++) {
    const other = token[position] === 'A' ? 'B' : 'A';
    throwsCode('PFS_BAD_TOKEN', () => decodeToken(token.slice(0, position) + other + token.slice(position + 1)));
  }
});

identity('a damaged member file is named', ({ directory }) => {
  initialise(directory);
  const publicKey = Buffer.alloc(32, 7);
  writeMember(directory, { publicKey, addresses: [], invitation: undefined });
  writeFileSync(join(directory, 'members', `${publicKey.toString('hex')}.json`), '{"version": 2}');
  throwsCode('PFS_CORRUPT', () => listMembers(directory));
});

identity.run();
