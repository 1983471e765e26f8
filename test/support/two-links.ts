// Two simulated nodes with two links between them, for tests of connections that have several paths.
import type { Connection } from '../../src/transport/connection.ts';
import type { SocketAddress } from '../../src/transport/socket-address.ts';
import {
  connectedPair,
  goodLink,
  type LinkConditions,
  type SimulatedNetwork,
  type SimulatedNode,
} from './transport-network.ts';

export const WAN: Partial<LinkConditions> = { bytesPerMs: 2500, delayMs: 25, queueBytes: 125_000 };
const JOINS_WITHIN_MS = 3000;

/** The ends of the second link. */
export const SECOND_A: SocketAddress = { address: '10.0.1.1', port: 7433 };
export const SECOND_B: SocketAddress = { address: '10.0.1.2', port: 7433 };

export interface Pair {
  readonly network: SimulatedNetwork;
  readonly a: SimulatedNode;
  readonly b: SimulatedNode;
  readonly link: Connection;
  readonly back: Connection;
  /** Conditions of the second link. */
  readonly second: LinkConditions;
}

/** Two nodes with two links between them, connected by the first. */
export function twoLinks(seed: number, conditions: Partial<LinkConditions> = WAN): Pair {
  const pair = connectedPair(seed, { conditions });
  const second = { ...goodLink(), ...conditions };
  pair.network.conditionsTo.set('10.0.1', second);
  pair.a.alsoAt.push(SECOND_A);
  pair.b.alsoAt.push(SECOND_B);
  return { ...pair, second };
}

/** One end asks for the path over the second link. */
export const join = ({ network, a, b }: Pair, from: 'a' | 'b' = 'a'): void => {
  if (from === 'a') network.connect(a, b, new Uint8Array(0), SECOND_B);
  else network.connect(b, a, new Uint8Array(0), SECOND_A);
};

export const bothHave = ({ link, back }: Pair, paths: number): boolean =>
  link.paths.length === paths && back.paths.length === paths;

/** With a path over each. */
export function joined(seed: number, conditions: Partial<LinkConditions> = WAN): Pair {
  const pair = twoLinks(seed, conditions);
  join(pair);
  if (!pair.network.run(JOINS_WITHIN_MS, () => bothHave(pair, 2))) throw new Error('the second path did not join');
  return pair;
}
