// A network in one process for the transport: endpoints with addresses, links with delay, loss, reordering, duplication,
// corruption, a rate with a queue, an MTU and cuts; virtual time and a seed, so that a run can be repeated.
import { milliseconds, nanoseconds } from '../../src/base/units.ts';
import type { Connection } from '../../src/transport/connection.ts';
import { Endpoint } from '../../src/transport/endpoint.ts';
import type { EndpointOptions } from '../../src/transport/endpoint-types.ts';
import type { ConnectionEvent } from '../../src/transport/incoming-data.ts';
import { type KeyPair, keyPairOf } from '../../src/transport/primitives.ts';
import type { SocketAddress } from '../../src/transport/socket-address.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { createSodiumAead } from './sodium-aead.ts';

export interface LinkConditions {
  delayMs: number;
  jitterMs: number;
  loss: number;
  duplication: number;
  corruption: number;
  bytesPerMs: number;
  queueBytes: number;
  mtu: number;
  cut: boolean;
}

export const goodLink = (): LinkConditions => ({
  delayMs: 10,
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  corruption: 0,
  bytesPerMs: 10_000,
  queueBytes: 256 * 1024,
  mtu: 1472,
  cut: false,
});

interface Flight {
  readonly at: number;
  readonly order: number;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly bytes: Uint8Array;
  /** It is still at its sender, until it departs. */
  readonly departs: boolean;
}

/** Share of the timers that are late, where any are. */
const LATE_TIMERS = 0.2;

const textOf = (at: SocketAddress): string => `${at.address} ${at.port}`;

/** The first three numbers of an address. */
const networkOf = (at: SocketAddress): string => at.address.replace(/\.\d+$/, '');

/** An endpoint, its address, and what its connections delivered. */
export class SimulatedNode {
  readonly endpoint: Endpoint;
  readonly keyPair: KeyPair;
  at: SocketAddress;
  /** Where else it is: datagrams to a neighbour there (of the same /24) leave from there. */
  readonly alsoAt: SocketAddress[] = [];
  readonly connections: Connection[] = [];
  readonly unreachable: Uint8Array[] = [];
  readonly closures: string[] = [];
  readonly messages: { channel: string; bytes: Uint8Array }[] = [];
  readonly blocks: { header: Uint8Array; body: Uint8Array }[] = [];
  drains = 0;
  /** What came in at the socket, for replays. */
  readonly captured: { from: SocketAddress; bytes: Uint8Array }[] = [];
  capturing = false;
  onEvent: ((event: ConnectionEvent, connection: Connection) => void) | undefined;
  /** False: events stay in the connection, as with an application that does not read. */
  reading = true;
  wakeAt = 0;
  /** Its event loop does something else until then; what arrives waits. */
  busyUntil = 0;
  readonly waiting: { readonly flight: Flight; readonly at: number }[] = [];

  constructor(endpoint: Endpoint, keyPair: KeyPair, at: SocketAddress) {
    this.endpoint = endpoint;
    this.keyPair = keyPair;
    this.at = at;
  }

  isAt(text: string): boolean {
    return textOf(this.at) === text || this.alsoAt.some((at) => textOf(at) === text);
  }

  sourceTowards(to: SocketAddress): SocketAddress {
    return this.alsoAt.find((at) => networkOf(at) === networkOf(to)) ?? this.at;
  }

  get connection(): Connection | undefined {
    return this.connections.find((connection) => !connection.closed);
  }

  takeEvents(): void {
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      if (event.kind === 'connected') this.connections.push(event.connection);
      else if (event.kind === 'unreachable') this.unreachable.push(event.peer);
    }
    if (!this.reading) return;
    for (const connection of this.connections) {
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
        this.#take(event);
        this.onEvent?.(event, connection);
      }
    }
  }

  #take(event: ConnectionEvent): void {
    if (event.kind === 'message') this.messages.push(event);
    else if (event.kind === 'block') this.blocks.push(event);
    else if (event.kind === 'closed') this.closures.push(event.reason);
    else this.drains += 1;
  }
}

export interface NodeOptions extends Partial<Omit<EndpointOptions, 'keyPair'>> {
  readonly address: string;
  readonly keySeed: number;
}

export class SimulatedNetwork {
  readonly random: SeededRandom;
  readonly conditions: LinkConditions = goodLink();
  /** Where others hold, by the network (`10.0.1`) of the destination. */
  readonly conditionsTo = new Map<string, LinkConditions>();
  now = 1000;
  wallOffsetMs = 1_700_000_000_000;
  /** How much later than asked for one of five timers may fire. */
  latenessMs = 0;
  /** For how long, at most, the event loop of a node may do something else, once in a hundred times that it is called. */
  busyMs = 0;
  /** True: what goes to one address waits in one queue, whoever sent it; else each pair of addresses has its own. */
  sharesQueues = false;
  /** Bytes of UDP payload put on the wire, and datagrams. */
  wireBytes = 0;
  wireDatagrams = 0;
  readonly #nodes: SimulatedNode[] = [];
  readonly #flights: Flight[] = []; // a binary heap
  readonly #busyUntil = new Map<string, number>();
  #order = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  addNode(options: NodeOptions): SimulatedNode {
    const { address, keySeed, ...rest } = options;
    const keyPair = keyPairOf(seededRandom(keySeed).bytes(32));
    const endpoint = new Endpoint({
      keyPair,
      volumeId: new Uint8Array(16).fill(7),
      volumeSecret: new Uint8Array(32).fill(9),
      random: seededRandom(keySeed * 31 + this.random.below(1e9)),
      wall: () => nanoseconds(BigInt(Math.floor((this.now + this.wallOffsetMs) * 1000)) * 1000n),
      createAead: createSodiumAead,
      suites: ['chacha20-poly1305'],
      authorize: () => 'accept',
      ...rest,
    });
    const node = new SimulatedNode(endpoint, keyPair, { address, port: 7433 });
    this.#nodes.push(node);
    return node;
  }

  removeNode(node: SimulatedNode): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  connect(from: SimulatedNode, to: SimulatedNode, payload: Uint8Array = new Uint8Array(0), at = to.at): void {
    const peer = to.keyPair.publicKey;
    from.endpoint.connect({ peer, to: at, payload }, milliseconds(this.now));
    this.service(from);
  }

  /** Puts a datagram into the network, as an attacker or a node would. */
  inject(from: SocketAddress, to: SocketAddress, bytes: Uint8Array, departsAt = this.now): void {
    // Others may be there before it.
    if (departsAt > this.now) this.#push({ at: departsAt, order: this.#order++, from, to, bytes, departs: true });
    else this.#depart(from, to, bytes);
  }

  #depart(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.wireBytes += bytes.length;
    this.wireDatagrams += 1;
    const { random } = this;
    const conditions = this.conditionsTo.get(networkOf(to)) ?? this.conditions;
    if (conditions.cut || bytes.length > conditions.mtu || random.unit() < conditions.loss) return;
    const direction = this.sharesQueues ? to.address : `${from.address}>${to.address}`;
    const start = Math.max(this.now, this.#busyUntil.get(direction) ?? 0);
    if ((start - this.now) * conditions.bytesPerMs > conditions.queueBytes) return;
    const sentAt = start + bytes.length / conditions.bytesPerMs;
    this.#busyUntil.set(direction, sentAt);
    const copies = random.unit() < conditions.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const content = bytes.slice();
      if (random.unit() < conditions.corruption) {
        const position = random.below(content.length);
        content[position] = (content[position] ?? 0) ^ (1 << random.below(8));
      }
      const at = sentAt + conditions.delayMs + random.unit() * conditions.jitterMs;
      this.#push({ at, order: this.#order++, from, to, bytes: content, departs: false });
    }
  }

  /** Runs until `done` or for `durationMs`; returns whether `done` came true. */
  run(durationMs: number, done: () => boolean = () => false): boolean {
    const until = this.now + durationMs;
    for (;;) {
      if (done()) return true;
      const flightAt = this.#flights[0]?.at ?? Number.POSITIVE_INFINITY;
      let timerAt = Number.POSITIVE_INFINITY;
      for (const node of this.#nodes) {
        const readyAt = node.waiting.length > 0 ? node.busyUntil : node.wakeAt;
        timerAt = Math.min(timerAt, Math.max(readyAt, node.busyUntil));
      }
      const next = Math.max(this.now, Math.min(flightAt, timerAt));
      if (next > until) break;
      this.now = next;
      if (flightAt <= next) this.#deliver();
      for (const node of this.#nodes) {
        if (node.busyUntil > this.now) continue;
        if (node.waiting.length > 0) this.#takeWaiting(node);
        else if (node.wakeAt <= this.now) this.service(node);
      }
    }
    this.now = until;
    return done();
  }

  /** Lets a node act on what is due: after calls of its links too. */
  service(node: SimulatedNode): void {
    const { endpoint } = node;
    endpoint.handleTimeout(this.now);
    node.takeEvents();
    for (let turn = endpoint.pollTransmit(this.now); turn !== undefined; turn = endpoint.pollTransmit(this.now)) {
      for (let index = 0; index < turn.datagrams.length; index += 2) {
        const offset = turn.datagrams[index] ?? 0;
        const length = turn.datagrams[index + 1] ?? 0;
        const departsAt = this.now + (turn.delays[index / 2] ?? 0) / 1000;
        this.inject(node.sourceTowards(turn.to), turn.to, turn.bytes.slice(offset, offset + length), departsAt);
      }
    }
    // A timer never fires early, and a real one never twice in a hundredth of a millisecond.
    const late = this.latenessMs > 0 && this.random.unit() < LATE_TIMERS ? this.random.unit() * this.latenessMs : 0;
    node.wakeAt = Math.max(endpoint.pollTimeout(this.now), this.now + 0.01) + late;
  }

  #deliver(): void {
    const flight = this.#pop();
    if (flight === undefined) return;
    if (flight.departs) {
      this.#depart(flight.from, flight.to, flight.bytes);
      return;
    }
    const to = textOf(flight.to);
    const node = this.#nodes.find((candidate) => candidate.isAt(to));
    if (node === undefined) return;
    if (node.capturing) node.captured.push({ from: flight.from, bytes: flight.bytes.slice() });
    node.waiting.push({ flight, at: this.now });
    if (node.busyUntil <= this.now) this.#takeWaiting(node);
  }

  /** Hands over what came while the node's event loop was busy, as one batch. */
  #takeWaiting(node: SimulatedNode): void {
    const taken = node.waiting.splice(0);
    const datagrams = new Uint32Array(3 * taken.length);
    const ages = new Uint32Array(taken.length);
    let offset = 0;
    for (const [index, { flight, at }] of taken.entries()) {
      datagrams.set([offset, flight.bytes.length, index], 3 * index);
      ages[index] = Math.round((this.now - at) * 1000);
      offset += flight.bytes.length;
    }
    const bytes = Buffer.concat(taken.map(({ flight }) => flight.bytes));
    const sources = taken.map(({ flight }) => flight.from);
    node.endpoint.handleDatagrams({ bytes, datagrams, ages, sources }, this.now);
    this.service(node);
    const isBusy = this.busyMs > 0 && this.random.unit() < 0.01;
    if (isBusy) node.busyUntil = this.now + this.random.unit() * this.busyMs;
  }

  #before(left: Flight, right: Flight): boolean {
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  }

  #push(flight: Flight): void {
    const heap = this.#flights;
    heap.push(flight);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const [above, below] = [heap[parent], heap[index]];
      if (above === undefined || below === undefined || !this.#before(below, above)) return;
      heap[parent] = below;
      heap[index] = above;
      index = parent;
    }
  }

  #pop(): Flight | undefined {
    const heap = this.#flights;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        const [candidate, best] = [heap[child], heap[least]];
        if (candidate !== undefined && best !== undefined && this.#before(candidate, best)) least = child;
      }
      const [parent, child] = [heap[index], heap[least]];
      if (least === index || parent === undefined || child === undefined) return top;
      heap[index] = child;
      heap[least] = parent;
      index = least;
    }
  }
}

const CONNECT_ATTEMPTS = 4;
const CONNECT_MS = 10_000;

/** Two connected nodes. */
export const connectedPair = (
  seed: number,
  options: { a?: Partial<NodeOptions>; b?: Partial<NodeOptions>; conditions?: Partial<LinkConditions> } = {},
): { network: SimulatedNetwork; a: SimulatedNode; b: SimulatedNode; link: Connection; back: Connection } => {
  const network = new SimulatedNetwork(seed);
  Object.assign(network.conditions, options.conditions ?? {});
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1, ...options.a });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2, ...options.b });
  const isConnected = (): boolean => a.connection !== undefined && b.connection !== undefined;
  // Nine initiations may all be lost on a bad link; a daemon begins another attempt then.
  for (let attempt = 0; attempt < CONNECT_ATTEMPTS && !isConnected(); attempt++) {
    network.connect(a, b);
    network.run(CONNECT_MS, isConnected);
  }
  const [link, back] = [a.connection, b.connection];
  if (link === undefined || back === undefined) throw new Error('the pair did not connect');
  return { network, a, b, link, back };
};
