// The handshake: both sides agree, and every wrong key, secret, volume or byte is refused.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DATAGRAM_BYTES_MIN } from '../../../src/transport/constants.ts';
import {
  chooseSuite,
  type HandshakeIdentity,
  handshakeIdentity,
  Initiation,
  type PathRequest,
  Reception,
  suiteMask,
} from '../../../src/transport/handshake.ts';
import { hexOf, keyPairOf } from '../../../src/transport/primitives.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('handshake');

const random = seededRandom(seedOfRun());

const identity = (changes: { volumeId?: Uint8Array; volumeSecret?: Uint8Array } = {}): HandshakeIdentity =>
  handshakeIdentity({
    keyPair: keyPairOf(random.bytes(32)),
    volumeId: new Uint8Array(16).fill(1),
    volumeSecret: new Uint8Array(32).fill(2),
    ...changes,
  });

const request: PathRequest = { connectionId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), pathId: 2, nextNumber: 2 ** 40 };

const initiate = (from: HandshakeIdentity, to: Uint8Array, payload = new Uint8Array(0)): Initiation =>
  new Initiation(from, {
    peer: to,
    ephemeralSecret: random.bytes(32),
    timestamp: 77n,
    suites: suiteMask(['chacha20-poly1305']),
    resetToken: new Uint8Array(16).fill(5),
    request,
    payload,
  });

const received = (outcome: Reception | 'bad-handshake' | 'bad-proof'): Reception => {
  if (typeof outcome === 'string') throw new Error(outcome);
  return outcome;
};

const answer = (reception: Reception, payload = new Uint8Array(0), joins?: { nextNumber: number }) =>
  reception.answer({
    ephemeralSecret: random.bytes(32),
    suite: 'chacha20-poly1305',
    resetToken: new Uint8Array(16).fill(6),
    ...(joins === undefined ? {} : { joins }),
    payload,
  });

test('a path that is asked for begins with the numbers that both sides named; a new connection, with none', () => {
  const [a, b] = [identity(), identity()];
  for (const joins of [undefined, { nextNumber: 77 }]) {
    const initiation = initiate(a, b.keyPair.publicKey);
    const reception = received(Reception.read(b, initiation.message));
    assert.equal(reception.request, request);
    const { message, result: atResponder } = answer(reception, new Uint8Array(0), joins);
    const atInitiator = initiation.finish(message);
    if (typeof atInitiator === 'string') throw new Error(atInitiator);
    for (const { joined } of [atInitiator, atResponder]) assert.is(joined, joins !== undefined);
    const expected = joins === undefined ? [0, 0] : [request.nextNumber, 77];
    assert.equal([atInitiator.sendFrom, atInitiator.receiveFrom], expected);
    assert.equal([atResponder.receiveFrom, atResponder.sendFrom], expected);
  }
});

test('both sides end with crossed keys, each other’s identity and payloads', () => {
  const [a, b] = [identity(), identity()];
  const initiation = initiate(a, b.keyPair.publicKey, Uint8Array.of(1, 2, 3));
  const reception = received(Reception.read(b, initiation.message));
  assert.equal(hexOf(reception.peer), hexOf(a.keyPair.publicKey));
  assert.is(reception.timestamp, 77n);
  assert.equal([...reception.payload], [1, 2, 3]);
  const { message, result: atResponder } = answer(reception, Uint8Array.of(9));
  const atInitiator = initiation.finish(message);
  if (typeof atInitiator === 'string') throw new Error(atInitiator);
  assert.equal(hexOf(atInitiator.sendKey), hexOf(atResponder.receiveKey));
  assert.equal(hexOf(atInitiator.receiveKey), hexOf(atResponder.sendKey));
  assert.not.equal(hexOf(atInitiator.receiveKey), hexOf(atInitiator.sendKey));
  assert.equal([...atInitiator.payload], [9]);
  assert.equal([...atInitiator.peerResetToken], new Array(16).fill(6));
  assert.equal([...atResponder.peerResetToken], new Array(16).fill(5));
});

test('an initiation fills a datagram, and no answer is longer', () => {
  const [a, b] = [identity(), identity()];
  const initiation = initiate(a, b.keyPair.publicKey, new Uint8Array(512));
  assert.is(initiation.message.length + 8 + 32, DATAGRAM_BYTES_MIN);
  const { message } = answer(received(Reception.read(b, initiation.message)), new Uint8Array(512));
  assert.ok(12 + message.length + 16 <= DATAGRAM_BYTES_MIN);
});

test('another volume secret is a bad proof', () => {
  const a = identity({ volumeSecret: new Uint8Array(32).fill(3) });
  const b = identity();
  assert.is(Reception.read(b, initiate(a, b.keyPair.publicKey).message), 'bad-proof');
});

test('another volume id, or an initiation for another key, is a bad handshake', () => {
  const b = identity();
  const stranger = identity({ volumeId: new Uint8Array(16).fill(9) });
  assert.is(Reception.read(b, initiate(stranger, b.keyPair.publicKey).message), 'bad-handshake');
  assert.is(Reception.read(b, initiate(identity(), identity().keyPair.publicKey).message), 'bad-handshake');
});

test('a responder without the volume secret is not believed', () => {
  const a = identity();
  const keyPair = keyPairOf(random.bytes(32));
  const volumeId = new Uint8Array(16).fill(1);
  const honest = handshakeIdentity({ keyPair, volumeId, volumeSecret: new Uint8Array(32).fill(2) });
  const impostor = { ...honest, proofKey: new Uint8Array(32).fill(8) };
  const initiation = initiate(a, keyPair.publicKey);
  // It reads the initiation as the honest one would, and answers with its own proof.
  const reception = received(Reception.read(honest, initiation.message));
  Object.assign(honest, { proofKey: impostor.proofKey });
  assert.is(initiation.finish(answer(reception).message), 'bad-proof');
});

test('a changed bit anywhere is refused', () => {
  const [a, b] = [identity(), identity()];
  const initiation = initiate(a, b.keyPair.publicKey);
  for (let round = 0; round < 50; round++) {
    const message = new Uint8Array(initiation.message);
    const position = random.below(message.length);
    // The top bit of an X25519 key is ignored by design: the other bits all count.
    message[position] = (message[position] ?? 0) ^ (1 << random.below(7));
    assert.is(Reception.read(b, message), 'bad-handshake');
  }
  const { message } = answer(received(Reception.read(b, initiation.message)));
  const changed = new Uint8Array(message);
  changed[40] = (changed[40] ?? 0) ^ 1;
  assert.is(initiation.finish(changed), 'bad-handshake');
});

test('an all-zero ephemeral key, a short and an empty message are refused', () => {
  const b = identity();
  assert.is(Reception.read(b, new Uint8Array(1160)), 'bad-handshake');
  assert.is(Reception.read(b, random.bytes(40)), 'bad-handshake');
  assert.is(Reception.read(b, new Uint8Array(0)), 'bad-handshake');
});

test('AES is chosen where both have it, ChaCha where one has not, nothing where none is shared', () => {
  const both = suiteMask(['aes-256-gcm', 'chacha20-poly1305']);
  const chacha = suiteMask(['chacha20-poly1305']);
  assert.is(chooseSuite(both, both), 'aes-256-gcm');
  assert.is(chooseSuite(both, chacha), 'chacha20-poly1305');
  assert.is(chooseSuite(suiteMask(['aes-256-gcm']), chacha), undefined);
  assert.is(chooseSuite(both, 0xf0), undefined);
});

test.run();
