// Who may connect: members, and whoever shows a good invitation once.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
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

membership.run();
