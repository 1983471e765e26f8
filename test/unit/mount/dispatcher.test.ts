// The dispatcher: one answer per request, after the journal, with attributes as they are when the answer leaves. The
// filesystem is the real interface with single calls replaced, because what is tested is order and failure.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Dispatcher } from '../../../mount/dispatcher.ts';
import { REPLY_KINDS } from '../../../mount/protocol.ts';
import { type LogFields, silentLogger } from '../../../src/base/clock.ts';
import { PacketFsError } from '../../../src/base/errors.ts';
import { inodeNumber, nanoseconds } from '../../../src/base/units.ts';
import type { FileSystem, InodeAttributes } from '../../../src/volume/volume.ts';
import { RequestBuilder } from '../../support/request-builder.ts';

interface Answer {
  readonly id: bigint;
  readonly kind: number;
  readonly errno: number;
  readonly size: bigint | undefined;
}

const EIO = 5;
const ENOENT = 2;

function attributesOf(size: bigint): InodeAttributes {
  const time = nanoseconds(0n);
  const owner = { uid: 0, gid: 0, links: 1, device: 0, generation: 0 };
  const times = { accessed: time, modified: time, changed: time };
  return { inode: inodeNumber(7n), mode: 0o100644, size, blocks: 0n, ...owner, ...times };
}

function readAnswers(packed: Uint8Array): Answer[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const answers: Answer[] = [];
  for (let at = 0; at < packed.length; at += view.getUint32(at, true)) {
    const kind = view.getUint16(at + 4, true);
    const hasAttributes = kind === REPLY_KINDS.attributes || kind === REPLY_KINDS.entry;
    answers.push({
      id: view.getBigUint64(at + 8, true),
      kind,
      errno: view.getInt32(at + 16, true),
      size: hasAttributes ? view.getBigUint64(at + 24 + 40, true) : undefined,
    });
  }
  return answers;
}

function setUp(calls: Partial<FileSystem>) {
  const events: string[] = [];
  const batches: Answer[][] = [];
  const logged: LogFields[] = [];
  const fileSystem = { flushJournal: () => events.push('journal'), ...calls } as FileSystem;
  const dispatcher = new Dispatcher({
    fileSystem,
    logger: { ...silentLogger, error: (fields) => logged.push(fields) },
    send: (replies) => {
      events.push('send');
      batches.push(readAnswers(replies));
    },
    grantInodes: () => {},
  });
  return { dispatcher, events, batches, logged };
}

const test = suite('dispatcher');

test('a batch is answered once, in one piece, after the journal is written', () => {
  const { dispatcher, events, batches } = setUp({
    getAttributes: () => attributesOf(3n),
    unlink: () => inodeNumber(4n),
    hasName: () => false,
  });
  dispatcher.dispatch(
    new RequestBuilder()
      .request({ opcode: 'getAttributes', id: 1n, inode: 7n })
      .request({ opcode: 'unlink', id: 2n, inode: 1n, name: Uint8Array.of(0x61) })
      .build(),
  );
  assert.equal(events, ['journal', 'send']);
  assert.equal(
    batches[0]?.map(({ id }) => id),
    [1n, 2n],
  );
});

test('what needs no answer gets none', () => {
  const forgotten: [bigint, number][] = [];
  const { dispatcher, events } = setUp({ forget: (inode, lookups) => forgotten.push([inode, lookups]) });
  const fields = [2, 0, 7n, 3n, 8n, 1n];
  dispatcher.dispatch(new RequestBuilder().request({ opcode: 'forget', id: 0n, inode: 0n, fields }).build());
  assert.equal(forgotten, [
    [7n, 3],
    [8n, 1],
  ]);
  assert.equal(events, ['journal']);
});

test('a promise is answered when it settles, after the journal once more', async () => {
  let settle = () => {};
  const { dispatcher, events, batches } = setUp({
    fsync: () =>
      new Promise((resolve) => {
        settle = resolve;
      }),
    getAttributes: () => attributesOf(0n),
  });
  dispatcher.dispatch(
    new RequestBuilder()
      .request({ opcode: 'fsync', id: 1n, inode: 7n, fields: [0, 0] })
      .request({ opcode: 'getAttributes', id: 2n, inode: 7n })
      .build(),
  );
  assert.equal(events, ['journal', 'send']);
  settle();
  await dispatcher.idle();
  assert.equal(events, ['journal', 'send', 'journal', 'send']);
  assert.equal(
    batches.map((batch) => batch.map(({ id }) => id)),
    [[2n], [1n]],
  );
});

test('attributes read before a content version of the same batch are read again', () => {
  let size = 0n;
  const { dispatcher, batches } = setUp({
    getAttributes: () => attributesOf(size),
    flush: () => {
      size = 100n;
    },
  });
  dispatcher.dispatch(
    new RequestBuilder()
      .request({ opcode: 'getAttributes', id: 1n, inode: 7n })
      .request({ opcode: 'flush', id: 2n, inode: 7n })
      .build(),
  );
  assert.is(batches[0]?.[0]?.size, 100n);
});

test('errors are answered with their errno, unexpected ones with EIO and a log line', () => {
  const { dispatcher, batches, logged } = setUp({
    getAttributes: () => {
      throw new PacketFsError('PFS_NO_ENTRY', 'not there');
    },
    readLink: () => {
      throw new TypeError('a bug');
    },
  });
  dispatcher.dispatch(
    new RequestBuilder()
      .request({ opcode: 'getAttributes', id: 1n, inode: 7n })
      .request({ opcode: 'readLink', id: 2n, inode: 7n })
      .build(),
  );
  assert.equal(
    batches[0]?.map(({ errno }) => errno),
    [ENOENT, EIO],
  );
  assert.is(logged.length, 1);
  assert.is(logged[0]?.['operation'], 'readLink');
});

test('a rejected promise is answered, not lost', async () => {
  const { dispatcher, batches } = setUp({
    fsync: () => Promise.reject(new PacketFsError('PFS_IO', 'the disk failed')),
  });
  dispatcher.dispatch(new RequestBuilder().request({ opcode: 'fsync', id: 9n, inode: 7n, fields: [0, 0] }).build());
  await dispatcher.idle();
  assert.equal(batches, [[{ id: 9n, kind: REPLY_KINDS.done, errno: EIO, size: undefined }]]);
});

test('when the journal cannot be written, nothing is acknowledged', () => {
  const { dispatcher, batches } = setUp({
    unlink: () => inodeNumber(4n),
    hasName: () => false,
    flushJournal: () => {
      throw new PacketFsError('PFS_IO', 'the journal cannot be written');
    },
  });
  dispatcher.dispatch(
    new RequestBuilder().request({ opcode: 'unlink', id: 1n, inode: 1n, name: Uint8Array.of(0x61) }).build(),
  );
  assert.is(batches[0]?.[0]?.errno, EIO);
});

test('a name that is not there is a negative entry, which the kernel may keep', () => {
  const { dispatcher, batches } = setUp({
    lookup: () => {
      throw new PacketFsError('PFS_NO_ENTRY', 'not there');
    },
  });
  dispatcher.dispatch(
    new RequestBuilder().request({ opcode: 'lookup', id: 1n, inode: 1n, name: Uint8Array.of(0x61) }).build(),
  );
  assert.is(batches[0]?.[0]?.kind, REPLY_KINDS.noEntry);
});

test.run();
