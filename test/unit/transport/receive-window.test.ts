// Receive windows alone: they grow where a path uses them, within their bound and the budget that they share, and shrink.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_WINDOW_BYTES_MAX } from '../../../src/base/limits.ts';
import { MIB } from '../../../src/base/units.ts';
import { BLOCK_BYTES_MAX, BLOCK_WINDOW_BYTES } from '../../../src/transport/constants.ts';
import { IncomingBlocks } from '../../../src/transport/incoming-blocks.ts';
import { ReceiveWindow } from '../../../src/transport/receive-window.ts';
import { WindowBudget } from '../../../src/transport/window-budget.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('receive window');
const ROUND_TRIP_MS = 300;

/** A peer that sends at a rate for a time, as far as the window lets it; returns when it ended. */
function use(window: ReceiveWindow, options: { bytesPerMs: number; nowMs: number; durationMs: number }): number {
  const { bytesPerMs, durationMs } = options;
  let { nowMs } = options;
  for (const end = nowMs + durationMs; nowMs < end; nowMs += 10) {
    window.take(10 * Math.min(bytesPerMs, window.bytes / ROUND_TRIP_MS));
    if (window.isDue) window.grant(nowMs, ROUND_TRIP_MS);
  }
  return nowMs;
}

test('a window grows until it holds two bandwidth-delay products, and no further', () => {
  for (const bytesPerMs of [1000, 50_000, 80_000, 125_000, 170_000]) {
    const window = new ReceiveWindow(new WindowBudget(1024 * MIB));
    use(window, { bytesPerMs, nowMs: 0, durationMs: 20_000 });
    const wanted = 2 * bytesPerMs * ROUND_TRIP_MS;
    assert.ok(window.bytes >= wanted * 0.95, `${window.bytes} for ${wanted}`);
    assert.ok(window.bytes <= Math.max(BLOCK_WINDOW_BYTES, 2.1 * wanted), `${window.bytes} for ${wanted}`);
  }
});

test('it grows to its bound however fast it is used, and not at all without a measured round trip', () => {
  const window = new ReceiveWindow(new WindowBudget(1024 * MIB));
  use(window, { bytesPerMs: 1e7, nowMs: 0, durationMs: 20_000 });
  assert.is(window.bytes, BLOCK_WINDOW_BYTES_MAX);
  const unknown = new ReceiveWindow(new WindowBudget(1024 * MIB));
  for (let nowMs = 0; nowMs < 100; nowMs++) {
    unknown.take(BLOCK_WINDOW_BYTES);
    unknown.grant(nowMs, undefined);
  }
  assert.is(unknown.bytes, BLOCK_WINDOW_BYTES);
});

test('a window that is used slowly shrinks, takes no limit back, and its share returns as the grant is used up', () => {
  const budget = new WindowBudget(256 * MIB);
  const window = new ReceiveWindow(budget);
  let nowMs = use(window, { bytesPerMs: 1e6, nowMs: 0, durationMs: 10_000 });
  assert.is(budget.left, 256 * MIB - (BLOCK_WINDOW_BYTES_MAX - BLOCK_WINDOW_BYTES));
  let granted = window.granted;
  for (let minute = 0; minute < 60; minute++) {
    nowMs = use(window, { bytesPerMs: 200, nowMs, durationMs: 60_000 });
    assert.ok(window.granted >= granted);
    granted = window.granted;
  }
  assert.is(window.bytes, BLOCK_WINDOW_BYTES);
  assert.is(budget.left, 256 * MIB);
});

test('all windows together grow by the budget, whatever their peers do, and give it back at their end', () => {
  const random = seededRandom(seedOfRun());
  const budget = new WindowBudget(256 * MIB);
  const peers = Array.from({ length: 8 }, () => ({ window: new ReceiveWindow(budget), taken: 0 }));
  for (let nowMs = 0; nowMs < 100_000; nowMs += 50) {
    for (const peer of peers) {
      if (random.unit() < 0.002) {
        peer.window.close();
        peer.window = new ReceiveWindow(budget);
        peer.taken = 0;
      }
      const bytes = random.below(Math.min(peer.window.granted - peer.taken, random.unit() < 0.5 ? 64 * MIB : MIB) + 1);
      peer.taken += bytes;
      peer.window.take(bytes);
      if (peer.window.isDue) peer.window.grant(nowMs, ROUND_TRIP_MS);
    }
    const open = peers.reduce((sum, { window, taken }) => sum + window.granted - taken, 0);
    assert.ok(open <= peers.length * BLOCK_WINDOW_BYTES + 256 * MIB, `${open} bytes may come`);
  }
  assert.ok(budget.left < 256 * MIB, 'some have grown');
  for (const { window } of peers) window.close();
  assert.is(budget.left, 256 * MIB);
});

test('a peer cannot open more than a grown window grants', () => {
  const incoming = new IncomingBlocks(new WindowBudget(256 * MIB));
  let id = 0;
  for (let nowMs = 0; incoming.window.bytes < BLOCK_WINDOW_BYTES_MAX; nowMs += 1) {
    const outcome = incoming.receive({ id, total: MIB, offset: 0 }, new Uint8Array(MIB));
    assert.is.not(outcome, 'violation');
    incoming.window.take(MIB);
    if (incoming.window.isDue) incoming.window.grant(nowMs, ROUND_TRIP_MS);
    id += 1;
  }
  for (let open = incoming.window.granted - id * MIB; open >= BLOCK_BYTES_MAX; open -= BLOCK_BYTES_MAX) {
    assert.is(incoming.receive({ id: id++, total: BLOCK_BYTES_MAX, offset: 0 }, new Uint8Array(1)), 'accepted');
  }
  assert.is(incoming.receive({ id, total: BLOCK_BYTES_MAX, offset: 0 }, new Uint8Array(1)), 'violation');
});

test.run();
