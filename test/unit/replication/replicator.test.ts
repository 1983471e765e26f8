// One replicator against a peer that the test plays: what it sends, what it refuses, what it waits for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { milliseconds } from '../../../src/base/units.ts';
import { type ControlMessage, encodeBlockHeader } from '../../../src/wire/messages.ts';
import { decodeFrame } from '../../simulation/support/model-frame.ts';
import type { RecordedLink } from '../../simulation/support/recorded-link.ts';
import { Bench, key, ownLog, peerLog, position, range, reference, THERE } from './replicator-bench.ts';

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
    seeded: false,
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
    encodeBlockHeader({ log: reference(peerLog), ...range(0, 50), ask: ask?.id ?? 0, recipe: false }),
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
