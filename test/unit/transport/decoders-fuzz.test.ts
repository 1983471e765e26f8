// The decoders of the transport on mutated encodings: frames, and the payloads inside a handshake that is authentic, as
// a member that means harm could send them. A result, never an exception; data lies within the packet.
import Noise from 'noise-handshake';
import curve from 'noise-handshake/dh.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ACKNOWLEDGED_RANGES_MAX,
  CLOSE_REASON_BYTES_MAX,
  HANDSHAKE_PAYLOAD_BYTES_MAX,
  PATHS_MAX,
} from '../../../src/transport/constants.ts';
import {
  FRAME_PING,
  FrameReader,
  type FrameSink,
  LIMIT_BLOCKS,
  writeAcknowledgement,
  writeChunkHeader,
  writeClose,
  writeLimit,
  writeStreamHeader,
} from '../../../src/transport/frames.ts';
import { type HandshakeIdentity, handshakeIdentity, Initiation, Reception } from '../../../src/transport/handshake.ts';
import { keyedHash, keyPairOf } from '../../../src/transport/primitives.ts';
import { RangeSet } from '../../../src/transport/range-set.ts';
import { fuzz } from '../../support/mutations.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('mutated packets');

/** Bytes around the packet, which nothing may read. */
const MARGIN = 64;

function packet(write: (bytes: Uint8Array) => number): Uint8Array {
  const bytes = new Uint8Array(1200);
  return bytes.subarray(0, write(bytes));
}

const acknowledged = new RangeSet();
for (let index = 0; index < 60; index++) acknowledged.add(index * 300, index * 300 + 1 + (index % 150));

const PACKETS = [
  packet((bytes) => writeAcknowledgement(bytes, { at: 0, end: 1200 }, acknowledged, 12)),
  packet((bytes) => {
    let at = writeAcknowledgement(bytes, { at: 0, end: 60 }, acknowledged, 3);
    at = writeLimit(bytes, at, LIMIT_BLOCKS, 2 ** 47);
    bytes[at++] = FRAME_PING;
    return writeChunkHeader(bytes, at, { id: 2 ** 32 - 1, total: 2 ** 23, offset: 5 }) + 100;
  }),
  packet((bytes) => writeStreamHeader(bytes, 0, 'control', 2 ** 47) + 30),
  packet((bytes) => writeClose(bytes, 0, 'grüß dich')),
];

/** Checks what it is given, and that data is a view of the packet alone. */
const checkingSink = (packetBytes: Uint8Array): FrameSink => {
  const isWithin = (data: Uint8Array): void => {
    assert.is(data.buffer, packetBytes.buffer);
    assert.ok(data.length > 0 && data.byteOffset >= packetBytes.byteOffset);
    assert.ok(data.byteOffset + data.length <= packetBytes.byteOffset + packetBytes.length);
  };
  return {
    onAcknowledgement: ({ ranges, rangeCount, delayMs }) => {
      assert.ok(rangeCount >= 1 && rangeCount <= ACKNOWLEDGED_RANGES_MAX && delayMs >= 0 && delayMs < 4096);
      for (let index = 0; index < rangeCount; index++) {
        const [low = -1, high = -1] = ranges.subarray(2 * index, 2 * index + 2);
        assert.ok(Number.isSafeInteger(low) && low >= 0 && low <= high && high < 2 ** 48);
        if (index > 0) assert.ok(high < (ranges[2 * index - 2] ?? 0) - 1);
      }
      return true;
    },
    onLimit: (kind, limit) => {
      assert.ok([0, 1, 2].includes(kind) && limit >= 0 && limit < 2 ** 48);
      return true;
    },
    onStream: (channel, offset, data) => {
      assert.ok((channel === 'control' || channel === 'operations') && offset >= 0 && offset < 2 ** 48);
      isWithin(data);
      return true;
    },
    onChunk: ({ id, total, offset }, data) => {
      assert.ok(id >= 0 && id < 2 ** 32 && total >= 0 && total < 2 ** 24 && offset >= 0 && offset < 2 ** 24);
      isWithin(data);
      return true;
    },
    onClose: (reason) => {
      assert.ok(reason.length <= CLOSE_REASON_BYTES_MAX);
      return true;
    },
  };
};

test('frames', () => {
  const reader = new FrameReader();
  fuzz({
    samples: PACKETS,
    rounds: 100_000,
    check: (bytes) => {
      // What lies behind a packet in its batch would be read as more of the frame.
      const batch = new Uint8Array(bytes.length + 2 * MARGIN).fill(1);
      batch.set(bytes, MARGIN);
      const view = batch.subarray(MARGIN, MARGIN + bytes.length);
      const outcome = reader.read(batch, MARGIN, MARGIN + bytes.length, checkingSink(view));
      assert.ok(outcome === 'eliciting' || outcome === 'silent' || outcome === 'malformed');
      const alone = reader.read(bytes, 0, bytes.length, checkingSink(bytes));
      assert.is(alone, outcome, 'bytes around a packet change nothing');
    },
  });
});

// ---- handshakes -----------------------------------------------------------------------------------------------------

const random = seededRandom(seedOfRun());
const identity = (): HandshakeIdentity =>
  handshakeIdentity({
    keyPair: keyPairOf(random.bytes(32)),
    volumeId: new Uint8Array(16).fill(1),
    volumeSecret: new Uint8Array(32).fill(2),
  });
const PROOF_AT = { initiation: 8, response: 0 };
const INITIATION_PLAIN_BYTES = 1200 - 8 - 32 - 32 - 48 - 16;

const digestOf = (noise: Noise): Uint8Array => Uint8Array.from(noise.digest ?? []);

/** An authentic initiation whose payload is `plain`, with the right proof in it. */
function initiationWith(from: HandshakeIdentity, to: Uint8Array, plain: Uint8Array): Uint8Array {
  const noise = new Noise('IK', true, from.keyPair);
  noise.initialise(from.prologue, to);
  const ephemeral = curve.generateKeyPair(Buffer.from(random.bytes(32)));
  noise.e = ephemeral;
  const parts = [digestOf(noise), ephemeral.publicKey, from.keyPair.publicKey];
  const payload = Buffer.from(plain);
  payload.set(keyedHash(32, from.proofKey, 'PFT/1 initiator', ...parts), PROOF_AT.initiation);
  return noise.send(payload);
}

/** The same of an answer. */
function answerWith(from: HandshakeIdentity, initiation: Uint8Array, plain: Uint8Array): Uint8Array {
  const noise = new Noise('IK', false, from.keyPair);
  noise.initialise(from.prologue);
  noise.recv(Buffer.from(initiation));
  const transcript = digestOf(noise);
  const ephemeral = curve.generateKeyPair(Buffer.from(random.bytes(32)));
  noise.e = ephemeral;
  const payload = Buffer.from(plain);
  const proof = keyedHash(32, from.proofKey, 'PFT/1 responder', transcript, ephemeral.publicKey);
  payload.set(proof.subarray(0, payload.length), PROOF_AT.response);
  return noise.send(payload);
}

test('the payload of an authentic initiation', () => {
  const [a, b] = [identity(), identity()];
  const plain = Buffer.alloc(INITIATION_PLAIN_BYTES);
  plain[56] = 3;
  plain.writeUInt16LE(HANDSHAKE_PAYLOAD_BYTES_MAX, 74);
  let passed = 0;
  fuzz({
    samples: [plain],
    rounds: 1000,
    check: (bytes) => {
      const sized = new Uint8Array(INITIATION_PLAIN_BYTES);
      sized.set(bytes.subarray(0, sized.length));
      sized.set(random.bytes(20), 56); // suites, path, connection, number, length
      if (random.below(2) === 0) sized.set([random.below(PATHS_MAX), ...new Uint8Array(8), 1, 2, 3, 0, 0, 0, 0, 0], 57);
      const reception = Reception.read(b, initiationWith(a, b.keyPair.publicKey, sized));
      const length = (sized[74] ?? 0) | ((sized[75] ?? 0) << 8);
      const isNumber = (sized[73] ?? 0) === 0 && (sized[72] ?? 0) < 16;
      const isValid = length <= HANDSHAKE_PAYLOAD_BYTES_MAX && (sized[57] ?? 0) < PATHS_MAX && isNumber;
      if (!isValid) return assert.is(reception, 'bad-handshake');
      assert.ok(typeof reception === 'object');
      assert.equal(typeof reception === 'object' && [...reception.payload], [...sized.subarray(76, 76 + length)]);
      passed += 1;
    },
  });
  assert.ok(passed > 0, 'some have a payload');
  for (const size of [0, 1, 40, 60, INITIATION_PLAIN_BYTES - 1, INITIATION_PLAIN_BYTES + 1]) {
    const short = new Uint8Array(Math.max(size, 40));
    assert.is(Reception.read(b, initiationWith(a, b.keyPair.publicKey, short)), 'bad-handshake');
  }
});

test('the payload of an authentic answer', () => {
  const [a, b] = [identity(), identity()];
  const plain = Buffer.alloc(60 + 9);
  plain[48] = 2;
  plain[49] = 1;
  plain.writeUInt16LE(9, 58);
  fuzz({
    samples: [plain, plain.subarray(0, 60), Buffer.alloc(0)],
    rounds: 1000,
    check: (bytes) => {
      const initiation = new Initiation(a, {
        peer: b.keyPair.publicKey,
        ephemeralSecret: random.bytes(32),
        timestamp: 77n,
        suites: 2,
        resetToken: new Uint8Array(16),
        request: { connectionId: new Uint8Array(8), pathId: 1, nextNumber: 5 },
        payload: new Uint8Array(0),
      });
      const result = initiation.finish(answerWith(b, initiation.message, bytes));
      if (typeof result === 'string') return assert.ok(['bad-handshake', 'bad-proof'].includes(result));
      assert.ok(result.payload.length <= Math.min(HANDSHAKE_PAYLOAD_BYTES_MAX, bytes.length));
      assert.is(result.suite, 'chacha20-poly1305');
      assert.ok(result.receiveFrom < 2 ** 52);
    },
  });
});

test.run();
