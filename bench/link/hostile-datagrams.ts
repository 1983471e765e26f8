// What an attacker sends: datagrams of every kind, made from what an observer of the path has recorded and from what
// anyone knows (the receiver's public key), and the file in which the attacker (attacker.cc) takes them.
import type { Random } from '../../src/base/clock.ts';
import {
  DATAGRAM_BYTES_MIN,
  ETHERNET_DATAGRAM_BYTES,
  HEADER_BYTES,
  MAC_BYTES,
  PACKET_COOKIE,
  PACKET_DATA,
  PACKET_INITIATION,
  PACKET_RESET,
  PACKET_RESPONSE,
  RATCHET_PACKETS,
  RESET_PACKET_BYTES,
} from '../../src/transport/constants.ts';
import { macOf } from '../../src/transport/cookie-jar.ts';
import type { CounterName } from '../../src/transport/counters.ts';
import { macKeyOf } from '../../src/transport/handshake.ts';

const POOL_DATAGRAMS = 4000;
const COOKIE_BYTES = 64;
const RESPONSE_BYTES = 160;

/** What recorded datagrams and keys the attacker has. */
export interface AttackMaterial {
  readonly random: Random;
  readonly receiverKey: Uint8Array;
  /** From the peer to the receiver, on the connection that is attacked and on one that has ended. */
  readonly received: readonly Uint8Array[];
  readonly receivedBefore: readonly Uint8Array[];
  /** From the receiver to the peer. */
  readonly sent: readonly Uint8Array[];
}

type Refusal = Extract<
  CounterName,
  | 'tooShort'
  | 'badType'
  | 'malformedHeader'
  | 'badMac1'
  | 'rateLimited'
  | 'overloaded'
  | 'cookieSent'
  | 'badCookie'
  | 'unknownIndex'
  | 'badHandshake'
  | 'staleTimestamp'
  | 'badTag'
  | 'replayed'
>;

interface AttackKind {
  /** What it may be counted as. */
  readonly reasons: readonly Refusal[];
  readonly make: (material: AttackMaterial) => Uint8Array;
}

const HANDSHAKE_REASONS: readonly Refusal[] = ['rateLimited', 'overloaded', 'cookieSent', 'staleTimestamp'];

export const ATTACKS = {
  random: {
    reasons: ['tooShort', 'badType', 'badMac1', 'badCookie', 'unknownIndex'],
    make: ({ random }) => {
      const datagram = random.bytes(random.below(ETHERNET_DATAGRAM_BYTES + 1));
      if (datagram.length > 0 && random.below(2) === 0) datagram[0] = random.below(8);
      return datagram;
    },
  },
  truncated: {
    reasons: ['tooShort', 'replayed', 'badMac1'],
    make: ({ random, received }) => {
      const datagram = pick(received, random);
      return datagram.subarray(0, random.below(datagram.length));
    },
  },
  replayed: {
    reasons: ['replayed', ...HANDSHAKE_REASONS],
    make: ({ random, received }) => pick(received, random),
  },
  reflected: {
    reasons: ['tooShort', 'badMac1', 'unknownIndex'],
    make: ({ random, sent }) => pick(sent, random),
  },
  oldKey: {
    reasons: ['unknownIndex', ...HANDSHAKE_REASONS],
    make: ({ random, receivedBefore }) => pick(receivedBefore, random),
  },
  forgedInitiation: {
    reasons: ['badHandshake', 'rateLimited', 'overloaded', 'cookieSent'],
    make: ({ random, receiverKey }) => {
      const datagram = random.bytes(DATAGRAM_BYTES_MIN);
      datagram[0] = PACKET_INITIATION;
      return withMac(datagram, DATAGRAM_BYTES_MIN - 2 * MAC_BYTES, receiverKey);
    },
  },
  /** Its index is in use, and its number not, in a transfer of four million packets: it has to be decrypted. */
  forgedData: {
    reasons: ['badTag', 'replayed'],
    make: ({ random, received }) => {
      const genuine = pick(received.filter(isData), random);
      const datagram = random.bytes(genuine.length);
      datagram.set(genuine.subarray(0, HEADER_BYTES));
      new DataView(datagram.buffer).setUint32(8, RATCHET_PACKETS - 1 - random.below(2 ** 16), true);
      return datagram;
    },
  },
  forgedAnswer: {
    reasons: ['badMac1', 'badCookie', 'unknownIndex'],
    make: ({ random, receiverKey }) => {
      const type = [PACKET_RESPONSE, PACKET_COOKIE, PACKET_RESET][random.below(3)] ?? PACKET_RESET;
      const size = { [PACKET_RESPONSE]: RESPONSE_BYTES, [PACKET_COOKIE]: COOKIE_BYTES }[type] ?? RESET_PACKET_BYTES;
      const datagram = random.bytes(size);
      datagram[0] = type;
      return type === PACKET_RESPONSE ? withMac(datagram, size - MAC_BYTES, receiverKey) : datagram;
    },
  },
} as const satisfies Record<string, AttackKind>;

export type AttackName = keyof typeof ATTACKS;
export const ATTACK_NAMES = Object.keys(ATTACKS) as AttackName[];

const isData = (datagram: Uint8Array): boolean => datagram[0] === PACKET_DATA && datagram.length > 100;

function withMac(datagram: Uint8Array, macAt: number, receiverKey: Uint8Array): Uint8Array {
  datagram.set(macOf(macKeyOf(receiverKey), datagram.subarray(0, macAt)), macAt);
  return datagram;
}

function pick(datagrams: readonly Uint8Array[], random: Random): Uint8Array {
  const datagram = datagrams[random.below(datagrams.length)];
  if (datagram === undefined) throw new Error('the attacker has recorded nothing to make this from');
  return datagram;
}

/** The attacker's file: for each datagram its length, 1 where it claims to come from the peer, and its bytes. */
export function encodePool(names: readonly AttackName[], material: AttackMaterial): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let count = 0; count < POOL_DATAGRAMS; count++) {
    const name = names[count % names.length];
    if (name === undefined) throw new Error('an attack has a kind');
    const datagram = ATTACKS[name].make(material);
    const head = Buffer.alloc(3);
    head.writeUInt16LE(datagram.length, 0);
    head.writeUInt8(material.random.below(4) === 0 ? 1 : 0, 2);
    parts.push(head, datagram);
  }
  return Buffer.concat(parts);
}
