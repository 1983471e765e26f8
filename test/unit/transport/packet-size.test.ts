// The search for a path's size alone: where it ends on any path, what it costs, and how a path that changes is followed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LARGE_LOSSES_MAX, SIZE_PROBE_INTERVAL_MS, SIZE_PROBES_MAX } from '../../../src/transport/constants.ts';
import { PacketSize } from '../../../src/transport/packet-size.ts';

const test = suite('packet size');

/** Lets probes go and come back until none is due; returns their number. */
function search(size: PacketSize, mtu: number, nowMs: number): number {
  let probes = 0;
  for (; size.probeIsDue(nowMs); probes++) {
    const bytes = size.probeBytes;
    size.onProbeSent();
    assert.not(size.probeIsDue(nowMs), 'one probe is under way at a time');
    if (bytes <= mtu) size.onProbeAcknowledged(bytes, nowMs);
    else size.onProbeLost(bytes, nowMs);
  }
  return probes;
}

function loseLarge(size: PacketSize, nowMs: number): void {
  const bytes = size.current;
  for (let burst = 0; burst < LARGE_LOSSES_MAX && size.current === bytes; burst++) {
    size.onLost(bytes, nowMs + burst);
    size.onLost(bytes, nowMs + burst);
  }
}

test('on every path the search ends at the greatest of the sizes, with few probes', () => {
  for (let mtu = 1200; mtu <= 9100; mtu++) {
    const size = new PacketSize();
    const probes = search(size, mtu, 0);
    const expected = [8952, 8848, 4048, 1452, 1372, 1200].find((bytes) => bytes <= mtu);
    assert.is(size.current, expected, `on a path of ${mtu}`);
    assert.ok(probes <= 2 * SIZE_PROBES_MAX + 2, `${probes} probes on a path of ${mtu}`);
  }
});

test('two lost probes do not end a search', () => {
  const size = new PacketSize();
  for (let lost = 0; lost < SIZE_PROBES_MAX - 1; lost++) {
    size.onProbeSent();
    size.onProbeLost(size.probeBytes, 0);
  }
  search(size, 9000, 0);
  assert.is(size.current, 8952);
});

test('after a search one probe a minute asks for the next size, and goes on when it passes', () => {
  const size = new PacketSize();
  search(size, 1500, 0);
  for (let minute = 1; minute < 4; minute++) {
    assert.not(size.probeIsDue(minute * SIZE_PROBE_INTERVAL_MS - 1));
    assert.is(search(size, 1500, minute * SIZE_PROBE_INTERVAL_MS), 1);
    assert.is(size.current, 1452);
  }
  search(size, 9000, 4 * SIZE_PROBE_INTERVAL_MS);
  assert.is(size.current, 8952);
});

test('losses of large packets in a row take it one landmark down, and the search between them follows', () => {
  const size = new PacketSize();
  search(size, 9000, 0);
  loseLarge(size, 1000);
  assert.is(size.current, 1452);
  search(size, 4100, 2000);
  assert.is(size.current, 4048);
  loseLarge(size, 3000);
  assert.is(size.current, 1452);
  loseLarge(size, 4000);
  assert.is(size.current, 1200);
});

test('what arrives breaks the row of losses, if it is large', () => {
  const size = new PacketSize();
  search(size, 9000, 0);
  for (let burst = 0; burst < 4 * LARGE_LOSSES_MAX; burst++) {
    size.onLost(8952, burst);
    if (burst % 2 === 0) size.onAcknowledged(8952);
  }
  assert.is(size.current, 8952);
  for (let burst = 100; burst < 100 + LARGE_LOSSES_MAX; burst++) {
    size.onLost(8952, burst);
    size.onAcknowledged(1452);
  }
  assert.is(size.current, 1452);
});

test('packets of before a fall do not make another', () => {
  const size = new PacketSize();
  search(size, 9000, 0);
  loseLarge(size, 1000);
  for (let burst = 0; burst < 2 * LARGE_LOSSES_MAX; burst++) size.onLost(8952, 2000 + burst);
  assert.is(size.current, 1452);
});

test('silence takes it down step by step, and the search begins anew', () => {
  const size = new PacketSize();
  search(size, 9000, 0);
  size.onProbeTimeout(2, 1000);
  assert.is(size.current, 8952);
  size.onProbeTimeout(3, 1001);
  assert.is(size.current, 1452);
  size.onProbeTimeout(4, 1002);
  assert.is(size.current, 1200);
  search(size, 9000, 1003);
  assert.is(size.current, 8952);
});

test('a late answer of a search that is over changes nothing', () => {
  const size = new PacketSize();
  size.onProbeSent();
  size.onProbeAcknowledged(1452, 0);
  size.onProbeSent();
  size.onPathChanged(1);
  size.onProbeAcknowledged(8952, 2);
  assert.is(size.current, 1200);
});

test.run();
