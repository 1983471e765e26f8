// One replicator against a peer that the test plays: what it sends, what it refuses, what it waits for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
import { isPacketFsError, PacketFsError } from '../../../src/base/errors.ts';
import { logPosition, milliseconds } from '../../../src/base/units.ts';
import type { ReplicationBounds } from '../../../src/replication/context.ts';
import type { LogName, PositionRange } from '../../../src/replication/ports.ts';
import { Replicator } from '../../../src/replication/replicator.ts';
import {
  type ControlMessage,
  encodeBlockHeader,
  encodeOperations,
  type WireLogReference,
} from '../../../src/wire/messages.ts';
import { encodeBatch } from '../../../src/wire/operations.ts';
import { markCompression } from '../../simulation/support/cluster.ts';
import { decodeFrame } from '../../simulation/support/model-frame.ts';
import { ModelVolume, NO_FAULTS } from '../../simulation/support/model-volume.ts';
import { RecordedLink } from '../../simulation/support/recorded-link.ts';
import { Scheduler, SeededRandom } from '../../simulation/support/scheduler.ts';

const seed = Number(process.env['PFS_SEED'] ?? Math.floor(Math.random() * 1e9));
console.log(`PFS_SEED=${seed}`);

const HERE = 1;
const THERE = 2;
const key = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const ownLog: LogName = { node: key(HERE), epoch: 1 };
const peerLog: LogName = { node: key(THERE), epoch: 1 };
const range = (start: number, end: number): PositionRange => ({ start: logPosition(start), end: logPosition(end) });
const reference = (log: LogName, index = 1): WireLogReference => ({ index, name: log });

class Bench {
  readonly scheduler = new Scheduler();
  readonly random = new SeededRandom(seed);
  readonly volume = new ModelVolume({
    node: key(HERE),
    random: this.random,
    scheduler: this.scheduler,
    faults: NO_FAULTS,
  });
  readonly members: { readonly peer: number | undefined; readonly entries: readonly Uint8Array[] }[] = [];
  readonly replicator: Replicator;

  constructor(bounds: Partial<ReplicationBounds> = {}) {
    this.volume.segmentJumps = 0;
    this.volume.replacements = 0;
    this.replicator = new Replicator({
      volume: this.volume,
      compression: markCompression,
      logger: silentLogger,
      mode: 'two-way',
      bounds,
      members: () => [Uint8Array.of(7)],
      onMembers: (peer, entries) => this.members.push({ peer: peer[0], entries }),
      onTimeoutChanged: () => {},
    });
  }

  link(peer = THERE): RecordedLink {
    const link = new RecordedLink(peer);
    link.events = this.replicator.addLink(link);
    return link;
  }

  /** Runs disk work and timeouts for so long. */
  async run(durationMs: number): Promise<void> {
    const end = this.scheduler.now + durationMs;
    for (;;) {
      const timeout = this.replicator.nextTimeout();
      const due = Math.min(timeout ?? end, this.scheduler.nextAt ?? end);
      if (due >= end) break;
      this.scheduler.advanceTo(due);
      if (timeout !== undefined && timeout <= this.scheduler.now) this.replicator.handleTimeout(this.scheduler.now);
      else this.scheduler.runNext();
      for (let turn = 0; turn < 4; turn++) await null;
    }
    this.scheduler.advanceTo(end);
    this.replicator.handleTimeout(this.scheduler.now);
    for (let turn = 0; turn < 4; turn++) await null;
  }

  write(): void {
    this.volume.write(4);
    this.volume.commitNow();
  }

  peer(peer = THERE) {
    const status = this.replicator.status().peers.find((entry) => entry.peer[0] === peer);
    if (!status) throw new Error('no such peer');
    return status;
  }
}

const hello = suite('the start of a link');

hello('hello, members and the whole position go out at once, nothing else before the peer has spoken', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  await bench.run(1000);
  assert.equal(
    link.control.map((message) => message.kind),
    ['hello', 'members', 'positions'],
  );
  assert.is(link.sent('positions')[0]?.complete, true);
  assert.is(link.blocks.length + link.batches.length, 0);
  assert.is(bench.peer().state, 'connecting');
});

hello('a have-set that does not fit one message goes in parts, and only the last is complete', () => {
  const bench = new Bench({ positionRangesMax: 1 });
  bench.volume.segmentJumps = 0.5;
  for (let count = 0; count < 5; count++) bench.write();
  const link = bench.link();
  const parts = link.sent('positions');
  const ranges = parts.flatMap((part) => part.logs).flatMap((log) => log.held);
  assert.equal(ranges, bench.volume.held(ownLog).ranges());
  assert.equal(
    parts.map((part) => part.complete),
    [...parts.slice(1).map(() => false), true],
  );
});

hello('a small commit leaves in one flight: its literal and its operations, nothing asked', async () => {
  const bench = new Bench();
  const link = bench.link();
  link.greet();
  await bench.run(10);
  bench.write();
  await bench.run(10);
  assert.is(link.blocks.length, 1);
  assert.is(link.batches.length, 1);
  assert.is(link.sent('ask').length, 0);
  assert.is(bench.peer().state, 'pushing');
});

hello('what the peer holds is not sent, only the operations that it lacks', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  link.greet({ logs: [{ log: reference(ownLog), applied: 0n, held: bench.volume.held(ownLog).ranges() }] });
  await bench.run(50);
  assert.is(link.blocks.length, 0);
  assert.is(link.batches.length, 1);
});

hello('member lists pass through, both ways', () => {
  const bench = new Bench();
  const link = bench.link();
  link.greet();
  link.receive({ kind: 'members', entries: [Uint8Array.of(1)] });
  assert.equal(bench.members, [{ peer: THERE, entries: [Uint8Array.of(1)] }]);
  bench.replicator.membersChanged();
  assert.equal(
    link.sent('members').map((message) => message.entries),
    [[Uint8Array.of(7)], [Uint8Array.of(7)]],
  );
});

hello('a newer link replaces the former one', () => {
  const bench = new Bench();
  const former = bench.link();
  const newer = bench.link();
  assert.match(former.closedBecause ?? '', /replaced/);
  assert.is(newer.closedBecause, undefined);
  former.events.onClosed('late');
  newer.greet();
  assert.is(bench.peer().state, 'idle');
});

hello.run();

const hostile = suite('hostile peers');
const position = (applied: bigint, log = peerLog): ControlMessage => ({
  kind: 'positions',
  logs: [{ log: reference(log), applied, held: [] }],
  confirmedLogs: 0,
  complete: true,
});
const held = { start: logPosition(0), end: logPosition(10) };

/** Name, what the peer does after hello, and the reason that closes the link. */
const OFFENCES: readonly (readonly [string, (link: RecordedLink) => void, RegExp])[] = [
  ['a second hello', (link) => link.receive({ kind: 'hello', versions: [1], mode: 'two-way' }), /second hello/],
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
    (link) => link.receive({ kind: 'positions', logs: [], confirmedLogs: 77, complete: true }),
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
  link.events.onBlock(encodeBlockHeader({ log, ...range(start, start + 100), ask: 0 }), body);
}

for (const [name, offend, reason] of OFFENCES) {
  hostile(`${name}: the link is closed with the reason, and nothing changes`, () => {
    const bench = new Bench();
    bench.write();
    const before = bench.volume.fingerprint();
    const link = bench.link();
    link.receive({ kind: 'hello', versions: [1], mode: 'two-way' });
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
  other.receive({ kind: 'hello', versions: [99], mode: 'two-way' });
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
    link.receive({ kind: 'positions', logs, confirmedLogs: 0, complete: true });
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

const waits = suite('waiting');

waits('waitUntilApplied resolves when the peer has durably applied, and rejects at its deadline', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  const deadline = milliseconds(1000);
  const soon = bench.replicator.waitUntilApplied({ peer: key(THERE), log: ownLog, sequence: 1n, deadline });
  const never = bench.replicator.waitUntilApplied({ peer: key(THERE), log: ownLog, sequence: 99n, deadline });
  const unknown = bench.replicator.waitUntilApplied({ peer: key(8), log: ownLog, sequence: 1n, deadline });
  const outcomes = Promise.allSettled([soon, never, unknown]);
  link.greet();
  await bench.run(100);
  link.receive(position(1n, ownLog));
  await soon;
  await bench.run(2000);
  const codes = (await outcomes).map(
    (outcome) => outcome.status === 'rejected' && isPacketFsError(outcome.reason, 'PFS_TIMEOUT'),
  );
  assert.equal(codes, [false, true, true]);
});

waits('what a peer had applied counts after its link has gone', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  link.greet();
  link.receive(position(1n, ownLog));
  link.events.onClosed('gone');
  await bench.replicator.waitUntilApplied({ log: ownLog, sequence: 1n, deadline: milliseconds(0) });
  assert.is(bench.peer().reason, 'gone');
});

waits('a full link stops reading the volume, says so, and goes on when it drains', async () => {
  const bench = new Bench({ literalsInFlightBytesMax: 500 });
  const link = bench.link();
  link.greet();
  link.unacknowledgedBytes = 500;
  bench.write();
  await bench.run(500);
  assert.is(link.blocks.length, 0);
  assert.equal([bench.peer().state, bench.peer().reason], ['waiting', 'the link has not delivered what it was given']);
  link.unacknowledgedBytes = 0;
  link.events.onDrain();
  await bench.run(50);
  assert.is(link.blocks.length, 1);
});

waits('a link whose window has grown takes more literals, up to the bound', async () => {
  const blocksWith = async (windowBytes: number, literalsInFlightGrownBytesMax: number): Promise<number> => {
    const bounds = { literalsInFlightBytesMax: 100, literalsInFlightGrownBytesMax, literalRawBytesMax: 100 };
    const bench = new Bench(bounds);
    for (let count = 0; count < 20; count++) bench.write();
    const link = bench.link();
    link.windowBytes = windowBytes;
    link.greet();
    await bench.run(500);
    return link.blocks.length;
  };
  const first = await blocksWith(0, 10_000);
  const grown = await blocksWith(500, 10_000);
  assert.ok(grown > 2 * first, `${grown} blocks, ${first} without`);
  assert.is(await blocksWith(10_000, 500), grown);
});

waits('a full window stops reading the volume until the peer has stored', async () => {
  const bench = new Bench({ literalsInFlightBytesMax: 100, literalRawBytesMax: 100 });
  for (let count = 0; count < 5; count++) bench.write();
  const link = bench.link();
  link.greet();
  await bench.run(500);
  const before = link.blocks.length;
  assert.is(bench.peer().state, 'waiting');
  assert.ok(before > 0 && before < 4, `${before} blocks`);
  link.receive({
    kind: 'positions',
    logs: [
      { log: reference(ownLog), applied: 0n, held: link.blocks.map(({ header }) => range(header.start, header.end)) },
    ],
    confirmedLogs: 0,
    complete: false,
  });
  await bench.run(500);
  assert.ok(link.blocks.length > before);
});

waits.run();

const fetch = suite('fetching a literal');

fetch('without a peer that holds it the answer is undefined', async () => {
  const bench = new Bench();
  const fetched = bench.replicator.fetchLiteral(peerLog, range(0, 50));
  await bench.run(10);
  assert.is(await fetched, undefined);
});

fetch('the origin is asked, and its frame is handed over, not stored', async () => {
  const bench = new Bench();
  const link = bench.link();
  link.greet();
  const fetched = bench.replicator.fetchLiteral(peerLog, range(0, 50));
  await bench.run(10);
  const ask = link.sent('ask')[0];
  assert.is(ask?.reason, 'repair');
  link.events.onBlock(
    encodeBlockHeader({ log: reference(peerLog), ...range(0, 50), ask: ask?.id ?? 0 }),
    Uint8Array.of(1, 2, 3),
  );
  assert.equal(await fetched, Uint8Array.of(1, 2, 3));
  await bench.run(50);
  assert.ok(bench.volume.held(peerLog).isEmpty);
});

fetch('a peer that has it not, or goes, or stays silent, is followed by the next', async () => {
  const bench = new Bench();
  const holding = { logs: [{ log: reference(peerLog), applied: 0n, held: [range(0, 50)] }] };
  const links = [2, 3, 4, 5].map((peer) => bench.link(peer));
  for (const link of links) link.greet(holding);
  const fetched = bench.replicator.fetchLiteral(peerLog, range(0, 50));
  const askedOf = async (): Promise<RecordedLink> => {
    await bench.run(50);
    const asked = links.filter((link) => link.sent('ask').length > 0);
    const last = asked.at(-1);
    if (!last) throw new Error('nobody was asked');
    links.splice(links.indexOf(last), 1);
    return last;
  };
  const refusing = await askedOf();
  refusing.receive({ kind: 'unavailable', ask: refusing.sent('ask')[0]?.id ?? 0, ranges: [range(0, 50)] });
  const leaving = await askedOf();
  leaving.events.onClosed('gone');
  await askedOf();
  await bench.run(6000);
  const last = await askedOf();
  last.receive({ kind: 'unavailable', ask: last.sent('ask')[0]?.id ?? 0, ranges: [range(0, 50)] });
  await bench.run(50);
  assert.is(await fetched, undefined);
});

fetch.run();

const answers = suite('answers');
const ask = (over: Partial<ControlMessage & { kind: 'ask' }>): ControlMessage => ({
  kind: 'ask',
  id: 9,
  log: reference(ownLog),
  ranges: [range(0, 5)],
  reason: 'missing',
  blocksReceived: 0,
  ...over,
});

answers(
  'an ask for what was sent and may still be on its way is left alone, for what came to nothing it is sent again',
  async () => {
    const bench = new Bench();
    bench.write();
    const link = bench.link();
    link.greet();
    await bench.run(50);
    assert.is(link.blocks.length, 1);
    link.receive(ask({ blocksReceived: 0 }));
    await bench.run(50);
    assert.is(link.blocks.length, 1);
    link.receive(ask({ blocksReceived: 1 }));
    await bench.run(50);
    assert.is(link.blocks.length, 2);
    link.receive(ask({ reason: 'rejected', blocksReceived: 1 }));
    await bench.run(50);
    assert.is(link.blocks.length, 3);
    assert.is(link.blocks[2]?.header.ask, 9);
  },
);

answers('what was sent as a delta and came to nothing is sent again whole', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  link.greet({ logs: [{ log: reference(ownLog), applied: 1n, held: bench.volume.held(ownLog).ranges() }] });
  bench.volume.replacements = 1;
  bench.write();
  await bench.run(50);
  const [delta] = link.blocks;
  assert.ok(delta && decodeFrame(delta.body).bases.length > 0);
  const { start, end } = delta.header;
  link.receive(ask({ reason: 'rejected', blocksReceived: link.blocks.length, ranges: [range(start, end)] }));
  await bench.run(50);
  const answer = link.blocks.find((block) => block.header.ask === 9);
  assert.ok(answer && decodeFrame(answer.body).bases.length === 0);
});

answers('what is not held is said to be unavailable, in messages that fit', () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  link.greet();
  link.receive(ask({ ranges: [range(2 ** 30, 2 ** 30 + 10)] }));
  link.receive({ kind: 'ask-operations', id: 10, log: reference(peerLog, 2), from: 1n });
  assert.equal(link.sent('unavailable'), [
    { kind: 'unavailable', ask: 9, ranges: [range(2 ** 30, 2 ** 30 + 10)] },
    { kind: 'unavailable', ask: 10, ranges: [] },
  ]);
});

answers('a repair is sent although the peer holds it, and does not fill its window', async () => {
  const bench = new Bench();
  bench.write();
  const link = bench.link();
  link.greet({ logs: [{ log: reference(ownLog), applied: 1n, held: bench.volume.held(ownLog).ranges() }] });
  link.receive(ask({ reason: 'repair' }));
  await bench.run(50);
  assert.is(link.blocks.length, 1);
  assert.is(bench.peer().bytesInFlight, 0);
});

answers('close is idempotent, closes the links and rejects who waits', async () => {
  const bench = new Bench();
  const link = bench.link();
  const waiting = bench.replicator.waitUntilApplied({
    peer: key(5),
    log: ownLog,
    sequence: 1n,
    deadline: milliseconds(1e9),
  });
  const fetched = bench.replicator.fetchLiteral(peerLog, range(0, 1));
  const outcome = waiting.catch((error: unknown) => isPacketFsError(error, 'PFS_CLOSED'));
  bench.replicator.close();
  bench.replicator.close();
  assert.is(await outcome, true);
  assert.is(await fetched, undefined);
  assert.match(link.closedBecause ?? '', /stops/);
  assert.is(bench.replicator.nextTimeout(), undefined);
});

answers.run();
