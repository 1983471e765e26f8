// The Noise_IK_25519_ChaChaPoly_BLAKE2b handshake and what its two payloads carry (docs/format/transport.md, Handshake).
// The prologue binds protocol, version and volume; each payload holds a keyed-BLAKE2b proof of the volume secret over
// the handshake so far, because noise-handshake knows psk0 only for other patterns. The packet keys depend on the
// secret too. Ephemeral secrets are arguments, so that a simulation is repeatable.
import Noise from 'noise-handshake';
import curve from 'noise-handshake/dh.js';
import type { AeadSuite } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import {
  CONNECTION_ID_BYTES,
  DATAGRAM_BYTES_MIN,
  HANDSHAKE_PAYLOAD_BYTES_MAX,
  KEY_BYTES,
  MAC_BYTES,
  PATHS_MAX,
  PROOF_BYTES,
  PROTOCOL_NAME,
  RESET_TOKEN_BYTES,
  TAG_BYTES,
  VOLUME_ID_BYTES,
} from './constants.ts';
import { copyOf, type KeyPair, keyedHash, plainHash, sameBytes } from './primitives.ts';

export const INITIATION_HEADER_BYTES = 8;
export const RESPONSE_HEADER_BYTES = 12;
const NOISE_INITIATION_BYTES = DATAGRAM_BYTES_MIN - INITIATION_HEADER_BYTES - 2 * MAC_BYTES;
const INITIATION_PLAIN_BYTES = NOISE_INITIATION_BYTES - KEY_BYTES - (KEY_BYTES + TAG_BYTES) - TAG_BYTES;
// Where the fields of the payloads lie.
const PROOF_AT = 8;
const INITIATION_TOKEN_AT = PROOF_AT + PROOF_BYTES;
const INITIATION_SUITES_AT = INITIATION_TOKEN_AT + RESET_TOKEN_BYTES;
const INITIATION_PATH_AT = INITIATION_SUITES_AT + 1;
const INITIATION_CONNECTION_AT = INITIATION_PATH_AT + 1;
const INITIATION_NUMBER_AT = INITIATION_CONNECTION_AT + CONNECTION_ID_BYTES;
const INITIATION_FIXED_BYTES = INITIATION_NUMBER_AT + 8 + 2;
const RESPONSE_SUITE_AT = PROOF_BYTES + RESET_TOKEN_BYTES;
const RESPONSE_JOINED_AT = RESPONSE_SUITE_AT + 1;
const RESPONSE_NUMBER_AT = RESPONSE_JOINED_AT + 1;
const RESPONSE_FIXED_BYTES = RESPONSE_NUMBER_AT + 8 + 2;
/** Packet numbers stay below. */
const NUMBER_MAX = 2 ** 52;
export const RESPONSE_BYTES_MAX =
  RESPONSE_HEADER_BYTES + KEY_BYTES + RESPONSE_FIXED_BYTES + HANDSHAKE_PAYLOAD_BYTES_MAX + TAG_BYTES + MAC_BYTES;

const SUITE_BITS: readonly { readonly suite: AeadSuite; readonly bit: number }[] = [
  { suite: 'aes-256-gcm', bit: 1 },
  { suite: 'chacha20-poly1305', bit: 2 },
];

export const suiteMask = (suites: readonly AeadSuite[]): number =>
  SUITE_BITS.reduce((mask, { suite, bit }) => (suites.includes(suite) ? mask | bit : mask), 0);

/** The first suite, in our order of preference, that both have. */
export const chooseSuite = (ours: number, theirs: number): AeadSuite | undefined =>
  SUITE_BITS.find(({ bit }) => (ours & theirs & bit) !== 0)?.suite;

const bitOf = (suite: AeadSuite): number => SUITE_BITS.find((entry) => entry.suite === suite)?.bit ?? 0;

/** What all handshakes of one node in one volume share. */
export interface HandshakeIdentity {
  readonly keyPair: KeyPair;
  readonly prologue: Uint8Array;
  readonly proofKey: Uint8Array;
  readonly bindingKey: Uint8Array;
}

export const handshakeIdentity = (options: {
  keyPair: KeyPair;
  volumeId: Uint8Array;
  volumeSecret: Uint8Array;
}): HandshakeIdentity => {
  assert(options.volumeId.length === VOLUME_ID_BYTES, 'a volume id has 16 bytes');
  assert(options.volumeSecret.length === KEY_BYTES, 'a volume secret has 32 bytes');
  return {
    keyPair: options.keyPair,
    prologue: Buffer.concat([Buffer.from(`${PROTOCOL_NAME}\0`), options.volumeId]),
    proofKey: keyedHash(KEY_BYTES, options.volumeSecret, 'PFT/1 volume proof'),
    bindingKey: keyedHash(KEY_BYTES, options.volumeSecret, 'PFT/1 key binding'),
  };
};

export const macKeyOf = (responderPublicKey: Uint8Array): Uint8Array =>
  plainHash(KEY_BYTES, 'PFT/1 mac1', responderPublicKey);

/** Which path of which connection a handshake is for: a new one, or one that gets new keys. */
export interface PathRequest {
  readonly connectionId: Uint8Array;
  readonly pathId: number;
  /** The number after the last that the initiator has sent on the path. */
  readonly nextNumber: number;
}

/** What both sides have at the end. */
export interface HandshakeResult {
  readonly peer: Uint8Array;
  readonly suite: AeadSuite;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly peerResetToken: Uint8Array;
  readonly payload: Uint8Array;
  readonly request: PathRequest;
  /** False: the responder does not know the connection, so this begins a new one, with path 0. */
  readonly joined: boolean;
  /** Numbers that the packets of either direction begin with, or greater ones. */
  readonly sendFrom: number;
  readonly receiveFrom: number;
}

const present = (bytes: Uint8Array | null): Uint8Array => {
  assert(bytes !== null, 'Noise has what this step of the pattern needs');
  return bytes;
};

const proofOf = (identity: HandshakeIdentity, role: 'initiator' | 'responder', ...parts: Uint8Array[]): Uint8Array =>
  keyedHash(PROOF_BYTES, identity.proofKey, `PFT/1 ${role}`, ...parts);

const boundKey = (identity: HandshakeIdentity, noiseKey: Uint8Array | null, suite: AeadSuite): Uint8Array =>
  keyedHash(KEY_BYTES, present(noiseKey), `PFT/1 packets ${suite}`, identity.bindingKey);

const writePayload = (plain: Uint8Array, at: number, payload: Uint8Array): void => {
  assert(payload.length <= HANDSHAKE_PAYLOAD_BYTES_MAX, 'a handshake payload is short');
  plain[at] = payload.length & 0xff;
  plain[at + 1] = payload.length >>> 8;
  plain.set(payload, at + 2);
};

const writeNumber = (plain: Uint8Array, at: number, number: number): void => {
  new DataView(plain.buffer, plain.byteOffset).setBigUint64(at, BigInt(number), true);
};

const readNumber = (plain: Uint8Array, at: number): number | undefined => {
  const number = Number(new DataView(plain.buffer, plain.byteOffset).getBigUint64(at, true));
  return number < NUMBER_MAX ? number : undefined;
};

const readPayload = (plain: Uint8Array, at: number): Uint8Array | undefined => {
  const length = (plain[at] ?? 0) | ((plain[at + 1] ?? 0) << 8);
  if (length > HANDSHAKE_PAYLOAD_BYTES_MAX || at + 2 + length > plain.length) return undefined;
  return copyOf(plain.subarray(at + 2, at + 2 + length));
};

/** The initiator's half: one object per initiation sent, because each has its own ephemeral key. */
export class Initiation {
  readonly message: Uint8Array;
  readonly #identity: HandshakeIdentity;
  readonly #noise: Noise;
  readonly #peer: Uint8Array;
  readonly #suites: number;
  readonly #request: PathRequest;
  readonly #transcript: Uint8Array;

  constructor(
    identity: HandshakeIdentity,
    options: {
      peer: Uint8Array;
      ephemeralSecret: Uint8Array;
      timestamp: bigint;
      suites: number;
      resetToken: Uint8Array;
      request: PathRequest;
      payload: Uint8Array;
    },
  ) {
    const { request } = options;
    assert(request.connectionId.length === CONNECTION_ID_BYTES, 'a connection id has 8 bytes');
    this.#identity = identity;
    this.#peer = options.peer;
    this.#suites = options.suites;
    this.#request = request;
    this.#noise = new Noise('IK', true, identity.keyPair);
    this.#noise.initialise(identity.prologue, options.peer);
    const ephemeral = curve.generateKeyPair(Buffer.from(options.ephemeralSecret));
    this.#noise.e = ephemeral;
    const start = copyOf(present(this.#noise.digest));
    const proof = proofOf(identity, 'initiator', start, ephemeral.publicKey, identity.keyPair.publicKey);
    const plain = Buffer.alloc(INITIATION_PLAIN_BYTES);
    plain.writeBigUInt64LE(options.timestamp, 0);
    plain.set(proof, PROOF_AT);
    plain.set(options.resetToken, INITIATION_TOKEN_AT);
    plain[INITIATION_SUITES_AT] = options.suites;
    plain[INITIATION_PATH_AT] = request.pathId;
    plain.set(request.connectionId, INITIATION_CONNECTION_AT);
    writeNumber(plain, INITIATION_NUMBER_AT, request.nextNumber);
    writePayload(plain, INITIATION_FIXED_BYTES - 2, options.payload);
    this.message = this.#noise.send(plain);
    this.#transcript = copyOf(present(this.#noise.digest));
  }

  /** Undefined (or a missing proof) when the answer is not from the peer. */
  finish(message: Uint8Array): HandshakeResult | 'bad-handshake' | 'bad-proof' {
    let plain: Uint8Array;
    const ephemeral = copyOf(message.subarray(0, KEY_BYTES));
    try {
      plain = this.#noise.recv(Buffer.from(message));
    } catch {
      return 'bad-handshake';
    }
    if (plain.length < RESPONSE_FIXED_BYTES) return 'bad-handshake';
    const proof = proofOf(this.#identity, 'responder', this.#transcript, ephemeral);
    if (!sameBytes(proof, plain.subarray(0, PROOF_BYTES))) return 'bad-proof';
    const suite = chooseSuite(this.#suites, plain[RESPONSE_SUITE_AT] ?? 0);
    const payload = readPayload(plain, RESPONSE_FIXED_BYTES - 2);
    const receiveFrom = readNumber(plain, RESPONSE_NUMBER_AT);
    if (suite === undefined || payload === undefined || receiveFrom === undefined) return 'bad-handshake';
    const joined = plain[RESPONSE_JOINED_AT] === 1;
    return {
      peer: this.#peer,
      suite,
      sendKey: boundKey(this.#identity, this.#noise.tx, suite),
      receiveKey: boundKey(this.#identity, this.#noise.rx, suite),
      peerResetToken: copyOf(plain.subarray(PROOF_BYTES, PROOF_BYTES + RESET_TOKEN_BYTES)),
      payload,
      request: this.#request,
      joined,
      sendFrom: joined ? this.#request.nextNumber : 0,
      receiveFrom,
    };
  }
}

/** The responder's half: reads an initiation, then (once the caller agrees) answers it. Holds nothing in between calls. */
export class Reception {
  readonly peer: Uint8Array;
  readonly timestamp: bigint;
  readonly suites: number;
  readonly peerResetToken: Uint8Array;
  readonly payload: Uint8Array;
  readonly request: PathRequest;
  readonly #identity: HandshakeIdentity;
  readonly #noise: Noise;
  readonly #transcript: Uint8Array;

  private constructor(
    identity: HandshakeIdentity,
    noise: Noise,
    plain: Uint8Array,
    said: { payload: Uint8Array; request: PathRequest },
  ) {
    const view = new DataView(plain.buffer, plain.byteOffset, plain.length);
    this.#identity = identity;
    this.#noise = noise;
    this.#transcript = copyOf(present(noise.digest));
    this.peer = copyOf(present(noise.rs));
    this.timestamp = view.getBigUint64(0, true);
    this.peerResetToken = copyOf(plain.subarray(INITIATION_TOKEN_AT, INITIATION_SUITES_AT));
    this.suites = plain[INITIATION_SUITES_AT] ?? 0;
    this.payload = said.payload;
    this.request = said.request;
  }

  static read(identity: HandshakeIdentity, message: Uint8Array): Reception | 'bad-handshake' | 'bad-proof' {
    const noise = new Noise('IK', false, identity.keyPair);
    let plain: Uint8Array;
    let start: Uint8Array;
    try {
      noise.initialise(identity.prologue);
      start = copyOf(present(noise.digest));
      plain = noise.recv(Buffer.from(message));
    } catch {
      return 'bad-handshake';
    }
    if (plain.length !== INITIATION_PLAIN_BYTES) return 'bad-handshake';
    const proof = proofOf(identity, 'initiator', start, present(noise.re), present(noise.rs));
    if (!sameBytes(proof, plain.subarray(PROOF_AT, INITIATION_TOKEN_AT))) return 'bad-proof';
    const payload = readPayload(plain, INITIATION_FIXED_BYTES - 2);
    const pathId = plain[INITIATION_PATH_AT] ?? PATHS_MAX;
    const nextNumber = readNumber(plain, INITIATION_NUMBER_AT);
    if (payload === undefined || nextNumber === undefined || pathId >= PATHS_MAX) return 'bad-handshake';
    const connectionId = copyOf(plain.subarray(INITIATION_CONNECTION_AT, INITIATION_NUMBER_AT));
    return new Reception(identity, noise, plain, { payload, request: { connectionId, pathId, nextNumber } });
  }

  /** `joins` has the number after the last that this side has sent on the path; absent, a new connection begins. */
  answer(options: {
    ephemeralSecret: Uint8Array;
    suite: AeadSuite;
    resetToken: Uint8Array;
    joins?: { nextNumber: number };
    payload: Uint8Array;
  }): { message: Uint8Array; result: HandshakeResult } {
    const ephemeral = curve.generateKeyPair(Buffer.from(options.ephemeralSecret));
    this.#noise.e = ephemeral;
    const plain = new Uint8Array(RESPONSE_FIXED_BYTES + options.payload.length);
    plain.set(proofOf(this.#identity, 'responder', this.#transcript, ephemeral.publicKey), 0);
    plain.set(options.resetToken, PROOF_BYTES);
    plain[RESPONSE_SUITE_AT] = bitOf(options.suite);
    plain[RESPONSE_JOINED_AT] = options.joins === undefined ? 0 : 1;
    writeNumber(plain, RESPONSE_NUMBER_AT, options.joins?.nextNumber ?? 0);
    writePayload(plain, RESPONSE_FIXED_BYTES - 2, options.payload);
    const message = this.#noise.send(plain);
    const result: HandshakeResult = {
      peer: this.peer,
      suite: options.suite,
      sendKey: boundKey(this.#identity, this.#noise.tx, options.suite),
      receiveKey: boundKey(this.#identity, this.#noise.rx, options.suite),
      peerResetToken: this.peerResetToken,
      payload: this.payload,
      request: this.request,
      joined: options.joins !== undefined,
      sendFrom: options.joins?.nextNumber ?? 0,
      receiveFrom: options.joins === undefined ? 0 : this.request.nextNumber,
    };
    return { message, result };
  }
}
