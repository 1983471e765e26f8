// Nodes that exchange their batches in any causal order end with the same tree, and `pfs check` finds nothing in it. PFS_SEED replays one seed, PFS_SEEDS
// sets how many are tried.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findingsOf, seeded, TestNode, treeText } from './harness.ts';
import { randomChange } from './random-changes.ts';

const test = suite('namespace convergence');

const SEEDS = process.env['PFS_SEED'] === undefined ? Number(process.env['PFS_SEEDS'] ?? 10) : 1;
const FIRST_SEED = Number(process.env['PFS_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = 12;

interface Peer {
  readonly node: TestNode;
  /** Batches of each other peer that were delivered. */
  readonly delivered: Map<Peer, number>;
}

const wait = { kind: 'waiting' } as const;

/** Delivers up to `count` batches that are ready, chosen at random; true if any was. */
function deliver(to: Peer, from: Peer, count: number): boolean {
  const batches = from.node.batches();
  let next = to.delivered.get(from) ?? 0;
  let any = false;
  for (let taken = 0; taken < count && next < batches.length; taken++) {
    const batch = batches[next];
    if (batch === undefined || readiness(to, batch) !== 'ready') break;
    const applied = to.node.namespace.apply(batch);
    if (applied === undefined) throw new Error('a ready batch was not applied');
    next += 1;
    any = true;
  }
  to.delivered.set(from, next);
  return any;
}

function readiness(to: Peer, batch: Uint8Array): string {
  const state = to.node.namespace.readiness(batch, () => true);
  // Logs are numbered when bytes of them come, which here is at once.
  if (state.kind !== 'missing') return (state ?? wait).kind;
  to.node.namespace.numberOfLog(state.log);
  return readiness(to, batch);
}

async function converge(seed: number, peerCount: number): Promise<void> {
  const below = seeded(seed);
  const peers: Peer[] = Array.from({ length: peerCount }, (_, index) => ({
    node: new TestNode(index + seed * 10),
    delivered: new Map(),
  }));
  try {
    for (const { node } of peers) {
      await node.open({ cachedBytesMax: 4096 });
      node.wall += BigInt(below(3)) * 1_000_000n * BigInt(below(2000));
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const peer of peers) {
        for (let count = below(8); count > 0; count--) randomChange(peer.node, below);
        if (below(4) === 0) {
          await peer.node.commit();
          assert.equal(await findingsOf(peer.node), [], `seed ${seed}: the check of a commit`);
          if (below(4) === 0) {
            await peer.node.namespace.close();
            await peer.node.open({ cachedBytesMax: 4096 });
            await peer.node.commit();
          }
        }
      }
      for (const to of peers) {
        const from = peers[below(peers.length)];
        if (from !== undefined && from !== to && below(3) > 0) deliver(to, from, 1 + below(3));
      }
    }
    for (const { node } of peers) await node.commit();
    for (let moved = true; moved; ) {
      moved = false;
      for (const to of peers) for (const from of peers) if (from !== to && deliver(to, from, 1)) moved = true;
    }
    const [first, ...others] = peers.map(({ node }) => treeText(node.namespace));
    for (const other of others) assert.is(other, first, `seed ${seed}: the trees differ`);
    for (const { node } of peers) {
      await node.commit();
      assert.equal(await findingsOf(node), [], `seed ${seed}: the check at the end`);
      await node.namespace.close();
      const again = await node.open();
      assert.is(treeText(again), first, `seed ${seed}: the tree differs after reopening`);
      await node.commit();
    }
  } catch (error) {
    console.error(`PFS_SEED=${seed}`);
    throw error;
  } finally {
    for (const { node } of peers) await node.remove();
  }
}

for (const peerCount of [2, 3]) {
  test(`${peerCount} nodes end equal whatever the order of delivery`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) await converge(seed, peerCount);
  });
}

test.run();
