// One replicator against a peer that breaks the rules: what closes the link, what is refused, and what stays bounded.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketFsError } from '../../../src/base/errors.ts';
import { logPosition } from '../../../src/base/units.ts';
import type { LogName } from '../../../src/replication/ports.ts';
import { encodeBlockHeader, encodeOperations, type WireLogReference } from '../../../src/wire/messages.ts';
import { encodeBatch } from '../../../src/wire/operations.ts';
import { markCompression } from '../../simulation/support/cluster.ts';
import type { RecordedLink } from '../../simulation/support/recorded-link.ts';
import { SeededRandom } from '../../simulation/support/scheduler.ts';
import { Bench, key, ownLog, peerLog, position, range, reference, seed, THERE } from './replicator-bench.ts';

const hostile = suite('hostile peers');
const held = { start: logPosition(0), end: logPosition(10) };

/** Name, what the peer does after hello, and the reason that closes the link. */
const OFFENCES: readonly (readonly [string, (link: RecordedLink) => void, RegExp])[] = [
  [
    'a second hello',
    (link) => link.receive({ kind: 'hello', versions: [1], mode: 'two-way', recipes: true }),
    /second hello/,
  ],
  ['bytes that are no message', (link) => link.events.onMessage('control', Uint8Array.of(0xff)), /malformed/],
  ['bytes that are no operations', (link) => link.events.onMessage('operations', Uint8Array.of(0xff)), /malformed/],
  [
    'a batch that is none',
    (link) => link.events.onMessage('operations', encodeOperations([Uint8Array.of(1)], markCompression)),
    /batch/,
  ],
  ['bytes that are no header', (link) => link.events.onBlock(Uint8Array.of(0xff), emptyFrame()), /header/],
  ['a block of a log without a name', (link) => block(link, { index: 5, name: undefined }), /unknown log/],
  ['a frame that is too long', (link) => block(link, reference(peerLog), new Uint8Array(6 * 2 ** 20)), /too long/],
  ['positions that go back', (link) => [5n, 4n].map((applied) => link.receive(position(applied))), /went back/],
  [
    'an index that changes its name',
    (link) => [peerLog, { node: key(9), epoch: 1 }].map((log) => link.receive(position(1n, log))),
    /unknown log/,
  ],
  [
    'a confirmation of what was never named',
    (link) => link.receive({ kind: 'positions', logs: [], confirmedLogs: 77, complete: true, seeded: false }),
    /never named/,
  ],
  [
    'an ask for a log without a name',
    (link) =>
      link.receive({
        kind: 'ask',
        id: 1,
        log: { index: 4, name: undefined },
        ranges: [held],
        reason: 'missing',
        blocksReceived: 0,
      }),
    /unknown log/,
  ],
  ['more of our own log than we have', (link) => link.receive(position(3n, ownLog)), /restored or cloned/],
];

function emptyFrame(): Uint8Array {
  return new Uint8Array(4);
}

function block(link: RecordedLink, log: WireLogReference, body = emptyFrame(), start = 0): void {
  link.events.onBlock(encodeBlockHeader({ log, ...range(start, start + 100), ask: 0, recipe: false }), body);
}

for (const [name, offend, reason] of OFFENCES) {
  hostile(`${name}: the link is closed with the reason, and nothing changes`, () => {
    const bench = new Bench();
    bench.write();
    const before = bench.volume.fingerprint();
    const link = bench.link();
    link.receive({ kind: 'hello', versions: [1], mode: 'two-way', recipes: true });
    offend(link);
    assert.match(link.closedBecause ?? 'not closed', reason);
    assert.is(bench.peer().state, 'closed');
    assert.match(bench.peer().reason, reason);
    assert.is(bench.volume.fingerprint(), before);
    link.greet();
    assert.is(link.batches.length, 0, 'a closed link is dead');
  });
}

hostile('what comes before hello closes the link, and so does a version that is not ours', () => {
  const early = new Bench().link();
  early.receive({ kind: 'members', entries: [] });
  assert.match(early.closedBecause ?? '', /before hello/);
  const other = new Bench().link();
  other.receive({ kind: 'hello', versions: [99], mode: 'two-way', recipes: true });
  assert.match(other.closedBecause ?? '', /version/);
});

hostile('malformed messages are counted', () => {
  const bench = new Bench();
  const link = bench.link();
  link.events.onMessage('control', Uint8Array.of(0xff));
  assert.is(bench.peer().counters.malformed, 1);
});

hostile('a peer that ignores the window is cut off', () => {
  const bench = new Bench({ literalIntakeBytesMax: 1000 });
  const link = bench.link();
  link.greet();
  for (let count = 0; count < 20 && link.closedBecause === undefined; count++) {
    block(link, reference(peerLog), new Uint8Array(300), count * 200);
  }
  assert.match(link.closedBecause ?? '', /window/);
});

hostile('batches and literals that claim to be of our own log are refused and counted', async () => {
  const bench = new Bench();
  const link = bench.link();
  link.greet();
  const operations = [
    { kind: 'update' as const, inode: { source: 0, counter: 1 }, attributes: { extended: [] }, content: undefined },
  ];
  const forged = encodeBatch({ logs: [ownLog], firstSequence: 1n, clock: 1n, dependencies: [], operations });
  link.events.onMessage('operations', encodeOperations([forged], markCompression));
  block(link, reference(ownLog));
  await bench.run(100);
  assert.is(bench.peer().counters.batchesRefused, 1);
  assert.is(bench.peer().counters.literalsRefused, 1);
  assert.is(bench.volume.fingerprint(), '');
});

const updateOfRoot = {
  kind: 'update' as const,
  inode: { source: 0, counter: 1 },
  attributes: { extended: [] },
  content: undefined,
};
const batchOf = (log: LogName): Uint8Array =>
  encodeBatch({ logs: [log], firstSequence: 1n, clock: 1n, dependencies: [], operations: [updateOfRoot] });

for (const [code, kept] of [
  ['PFS_REFUSED', true],
  ['PFS_CORRUPT', false],
] as const) {
  hostile(`a batch that the volume answers with ${code} pauses its log, and nothing throws`, async () => {
    const bench = new Bench();
    let looks = 0;
    bench.volume.readiness = () => {
      looks += 1;
      throw new PacketFsError(code, 'simulated');
    };
    const link = bench.link();
    link.greet();
    link.events.onMessage('operations', encodeOperations([batchOf(peerLog)], markCompression));
    await bench.run(100);
    const log = bench.replicator.status().logs.find((entry) => entry.log.node[0] === THERE);
    assert.is(log?.batchesQueued, kept ? 1 : 0);
    assert.match(log?.waiting ?? '', 'simulated');
    assert.is(looks, 1);
    await bench.run(5000);
    assert.ok(kept ? looks > 1 : looks === 1, 'what is refused is looked at again after a pause');
    assert.is(link.closedBecause, undefined);
  });
}

hostile('batches of ever more logs are kept within twice the bound', async () => {
  const bench = new Bench({ operationsQueueBytesMax: 1000 });
  const link = bench.link();
  link.greet();
  bench.volume.readiness = () => ({ kind: 'waiting', log: peerLog, sequence: 99n });
  const batches = Array.from({ length: 100 }, (_unused, index) => batchOf({ node: key(THERE), epoch: index + 1 }));
  link.events.onMessage('operations', encodeOperations(batches, markCompression));
  await bench.run(100);
  const bytes = bench.replicator.status().logs.reduce((sum, log) => sum + log.bytesQueued, 0);
  assert.ok(bytes > 0 && bytes <= 2000, `${bytes} bytes are queued`);
  assert.ok(bench.peer().counters.batchesDropped > 0);
});

hostile('a have-set of more ranges than any honest one closes the link', () => {
  const bench = new Bench({ peerRangesMax: 10 });
  const link = bench.link();
  link.greet();
  for (let part = 0; part < 3; part++) {
    const held = Array.from({ length: 4 }, (_unused, index) =>
      range((4 * part + index) * 10, (4 * part + index) * 10 + 1),
    );
    const logs = [{ log: reference(peerLog), applied: 0n, held }];
    link.receive({ kind: 'positions', logs, confirmedLogs: 0, complete: true, seeded: false });
  }
  assert.match(link.closedBecause ?? '', /ranges/);
});

hostile('random messages, headers and bodies never throw', async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const bench = new Bench();
    const link = bench.link();
    link.greet();
    for (let step = 0; step < 10; step++) {
      const bytes = random.bytes(random.below(40));
      if (random.chance(0.4)) link.events.onMessage('control', bytes);
      else if (random.chance(0.5)) link.events.onMessage('operations', bytes);
      else block(link, reference(peerLog), bytes, random.below(1000));
    }
    await bench.run(20);
  }
});

hostile.run();
