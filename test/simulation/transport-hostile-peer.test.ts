// A member that means harm: it has the keys, so its packets are authentic, and what is in them is mutated. It is cut
// off or it is understood; nothing throws, nothing beyond the windows is kept, and an honest connection works
// afterwards.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MESSAGE_BYTES_MAX } from '../../src/base/limits.ts';
import { BLOCK_BYTES_MAX, BLOCK_WINDOW_BYTES, STREAM_WINDOW_BYTES } from '../../src/transport/constants.ts';
import type { AeadFactory } from '../../src/transport/packet-keys.ts';
import { mutateInPlace } from '../support/mutations.ts';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { createSodiumAead } from '../support/sodium-aead.ts';
import { connectedPair } from '../support/transport-network.ts';

const test = suite('a hostile member');

const ROUNDS = 300;
/** Both streams and the blocks, and what V8 has not collected yet. */
const MEMORY_GROWTH_MAX = BLOCK_WINDOW_BYTES + 2 * STREAM_WINDOW_BYTES + 64 * 1024 * 1024;
/** Of its packets. */
const MUTATED_SHARE = 0.2;
/** Where a packet's first frame has its numbers: most mutations are there. */
const FRAME_HEADER_BYTES = 12;

interface Hostility {
  enabled: boolean;
  packets: number;
}

const hostileAead =
  (hostility: Hostility, random: SeededRandom): AeadFactory =>
  (suiteName, key) => {
    const aead = createSodiumAead(suiteName, key);
    return {
      ...aead,
      seal(bytes, packets, numbers) {
        for (let index = 0; hostility.enabled && index < numbers.length; index++) {
          const [offset = 0, headerLength = 0, bodyLength = 0] = packets.subarray(3 * index, 3 * index + 3);
          if (bodyLength === 0 || random.unit() >= MUTATED_SHARE) continue;
          hostility.packets += 1;
          const from = offset + headerLength;
          const length = random.below(3) === 0 ? bodyLength : Math.min(bodyLength, FRAME_HEADER_BYTES);
          mutateInPlace(bytes.subarray(from, from + length), random);
        }
        aead.seal(bytes, packets, numbers);
      },
    };
  };

test('mutated frames in authentic packets: it is cut off or understood, and nothing throws', () => {
  const random = seededRandom(seedOfRun());
  const before = process.memoryUsage();
  const outcomes = { violations: 0, survivals: 0, packets: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const hostility = { enabled: false, packets: 0 };
    const createAead = hostileAead(hostility, random);
    const { network, a, b, link, back } = connectedPair(random.below(2 ** 31), { a: { createAead } });
    network.conditions.loss = random.below(3) * 0.05;
    hostility.enabled = true;
    for (let step = 0; step < 10 && !link.closed; step++) {
      link.sendMessage(step % 2 === 0 ? 'control' : 'operations', random.bytes(random.below(5000)));
      link.sendBlock(Uint8Array.of(step), random.bytes(random.below(20_000)));
      back.sendMessage('control', random.bytes(random.below(3000)));
      back.sendBlock(Uint8Array.of(step), random.bytes(random.below(9000)));
      network.service(a);
      network.service(b);
      network.run(30);
    }
    network.run(5000);
    outcomes.packets += hostility.packets;
    outcomes[b.endpoint.counters().malformedFrame > 0 ? 'violations' : 'survivals'] += 1;
    assert.ok(b.messages.every(({ bytes }) => bytes.length <= MESSAGE_BYTES_MAX));
    assert.ok(b.blocks.every(({ body }) => body.length <= BLOCK_BYTES_MAX));
    assert.ok(b.endpoint.footprint.connections <= 2);

    hostility.enabled = false;
    link.close('again');
    network.conditions.loss = 0;
    network.service(a);
    network.run(40_000);
    const received = b.messages.length;
    network.connect(a, b);
    assert.ok(
      network.run(10_000, () => a.connection !== undefined && b.connection !== undefined),
      'it connects again',
    );
    a.connection?.sendMessage('control', Uint8Array.of(1));
    network.service(a);
    assert.ok(network.run(5000, () => b.messages.length === received + 1));
  }
  console.log(JSON.stringify(outcomes));
  assert.ok(outcomes.packets > ROUNDS, 'packets were mutated');
  assert.ok(outcomes.violations > ROUNDS / 10, 'most mutations are noticed');
  const after = process.memoryUsage();
  const growth = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  assert.ok(growth < MEMORY_GROWTH_MAX, `${growth} bytes more`);
});

test.run();
