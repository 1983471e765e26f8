// Who may connect: members, and whoever shows a good invitation once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
import { PEERS_MAX } from '../../../src/base/limits.ts';
import { Membership } from '../../../src/daemon/membership.ts';
import { systemClock } from '../../../src/daemon/system.ts';
import { createInvitation, initialise } from '../../../src/identity/identity.ts';
import { decodeToken } from '../../../src/identity/token.ts';

const key = (fill: number): Uint8Array => Buffer.alloc(32, fill);

interface Context {
  directory: string;
  open: () => Membership;
}

const membership = suite<Context>('membership');
membership.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pfs-membership-'));
  const { node } = initialise(context.directory);
  context.open = () =>
    new Membership({
      stateDirectory: context.directory,
      publicKey: node.publicKey,
      clock: systemClock,
      logger: silentLogger,
    });
});
membership.after.each((context) => rmSync(context.directory, { recursive: true }));

membership('an unknown key is refused', ({ open }) => {
  assert.is(open().authorize(key(1), new Uint8Array(0)), 'refuse');
  assert.is(open().authorize(key(1), new Uint8Array(32)), 'refuse');
});

membership('an invitation registers one key for good, and no second one', ({ directory, open }) => {
  const { proof } = decodeToken(createInvitation(directory));
  const first = open();
  assert.is(first.authorize(key(1), proof), 'accept');
  assert.is(first.authorize(key(2), proof), 'refuse');
  assert.is(open().authorize(key(1), new Uint8Array(0)), 'accept', 'also after a restart');
});

membership('members told by a peer are registered once and announced', ({ open }) => {
  const node = open();
  const announced: number[] = [];
  node.onMember((member) => announced.push(member.publicKey[0] ?? -1));
  node.learn([{ publicKey: key(3), addresses: ['gamma:7433'] }]);
  node.learn([{ publicKey: key(3), addresses: ['elsewhere:1'] }]);
  assert.equal(announced, [3]);
  assert.equal(open().members()[0]?.addresses, ['gamma:7433']);
});

membership('a peer that tells of ever more members fills the list, and nothing throws', ({ open }) => {
  const node = open();
  const many = Array.from({ length: PEERS_MAX + 50 }, (_unused, index) => {
    const publicKey = Buffer.alloc(32, 9);
    publicKey.writeUInt32LE(index);
    return { publicKey, addresses: ['x'.repeat(4000)] };
  });
  for (let start = 0; start < many.length; start += 100) node.learn(many.slice(start, start + 100));
  assert.is(node.members().length, PEERS_MAX);
  assert.is(open().members().length, PEERS_MAX);
});

membership('a member that cannot be written is not registered, and nothing throws', ({ directory, open }) => {
  const node = open();
  writeFileSync(join(directory, 'members'), 'in the way of the directory');
  node.learn([{ publicKey: key(3), addresses: [] }]);
  assert.is(node.members().length, 0);
});

membership('a full list refuses a good invitation, which stays good', ({ directory, open }) => {
  const node = open();
  for (let index = 0; index < PEERS_MAX; index++) {
    const publicKey = Buffer.alloc(32, 9);
    publicKey.writeUInt32LE(index);
    node.learn([{ publicKey, addresses: [] }]);
  }
  const { proof } = decodeToken(createInvitation(directory));
  assert.is(node.authorize(key(1), proof), 'refuse');
  rmSync(join(directory, 'members', `${Buffer.from(node.members()[0]?.publicKey ?? []).toString('hex')}.json`));
  assert.is(open().authorize(key(1), proof), 'accept');
});

membership.run();
