// Changes that a session answers before the volume does them: they come before whatever else changes or freezes it.
import * as assert from 'uvu/assert';
import { MIB, nanoseconds, ROOT_INODE } from '../../../src/base/units.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import { Posts } from '../../../src/volume/posts.ts';
import { push } from './exchange.ts';
import { bytesOf, codeOf, createFile, namesIn, suiteOfTwoVolumes } from './support.ts';

const test = suiteOfTwoVolumes('volume/posts');

/** A session that has answered the creation of these files, and hands them in when it has to. */
function sessionWith(volume: Volume, ...names: readonly string[]) {
  const waiting = [...names];
  const state = { suspensions: 0, resumptions: 0 };
  volume.fileSystem.onSuspendPosts({
    suspend: () => {
      state.suspensions += 1;
      for (const name of waiting.splice(0)) {
        const inode = volume.fileSystem.reserveInodes(1);
        volume.contents.open(inode, 0n, new BigUint64Array());
        const owner = { uid: 5, gid: 6, mode: 0o100644 };
        const file = { inode, parent: ROOT_INODE, name: bytesOf(name), now: nanoseconds(7n), write: true };
        volume.fileSystem.noteCreated({ ...owner, ...file });
        volume.fileSystem.release(inode, { write: true });
      }
    },
    resume: () => {
      state.resumptions += 1;
    },
  });
  return state;
}

test('a commit holds what was answered before it', async ({ a, b }) => {
  const session = sessionWith(a, 'posted');
  await push(a.replica, b.replica);
  assert.equal(namesIn(b), ['posted']);
  const seen = b.fileSystem.lookup(ROOT_INODE, bytesOf('posted'));
  assert.equal([seen.uid, seen.gid, seen.mode, seen.modified], [5, 6, 0o100644, 7n]);
  assert.ok(session.suspensions > 0);
  assert.is(session.resumptions, session.suspensions);
});

test('a file that was answered is there before a peer’s of the same name, and both stay', async ({ a, b }) => {
  createFile(b, 'same');
  sessionWith(a, 'same');
  await push(b.replica, a.replica);
  assert.is(namesIn(a).length, 2);
  await push(a.replica, b.replica);
  assert.equal(namesIn(b).sort(), namesIn(a).sort());
});

test('after a batch that is no batch the session goes on', async ({ a, b }) => {
  createFile(b, 'file');
  const { log } = await b.replica.commit();
  const [batch] = b.replica.readBatches(log, 1n, MIB);
  const session = sessionWith(a);
  assert.is(await codeOf(() => a.replica.applyBatches([batch?.bytes.subarray(1) ?? new Uint8Array()])), 'PFS_CORRUPT');
  assert.is(session.resumptions, session.suspensions);
});

test('a session that comes while others are suspended is suspended with them', () => {
  const posts = new Posts();
  const states = [0, 0];
  const session = (index: number) => ({
    suspend: () => {
      states[index] = (states[index] ?? 0) + 1;
    },
    resume: () => {
      states[index] = (states[index] ?? 0) - 1;
    },
  });
  posts.subscribe(session(0));
  const resume = posts.suspend();
  const resumeInner = posts.suspend();
  posts.subscribe(session(1));
  assert.equal(states, [2, 2]);
  resumeInner();
  resume();
  assert.equal(states, [0, 0]);
  posts.subscribe({
    suspend: () => {
      throw new Error('it cannot');
    },
    resume: () => {},
  });
  assert.throws(() => posts.suspend(), 'it cannot');
  assert.equal(states, [0, 0]);
});

test('a number that was reserved is given to nobody else', ({ a }) => {
  const first = a.fileSystem.reserveInodes(100);
  const next = createFile(a, 'next');
  assert.is(next, first + 100n);
  assert.is(a.fileSystem.reserveInodes(1), next + 1n);
});

test.run();
