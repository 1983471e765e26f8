// A cluster under virtual time: nodes (a model volume and a Replicator each), links that come and go, a workload. One
// seed is one run, exactly.
import { silentLogger } from '../../../src/base/clock.ts';
import type { Milliseconds } from '../../../src/base/units.ts';
import type { ReplicationBounds } from '../../../src/replication/context.ts';
import { logKey } from '../../../src/replication/log-name.ts';
import type { LogName, PositionRange } from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import { Replicator } from '../../../src/replication/replicator.ts';
import type { Compression, ReplicationMode } from '../../../src/wire/messages.ts';
import { type ModelFaults, NO_FAULTS } from './model-faults.ts';
import { ModelVolume, modelErrors } from './model-volume.ts';
import { Scheduler, SeededRandom } from './scheduler.ts';
import { LinkEnd, type LinkProfile, linkErrors } from './simulated-link.ts';

/** Small, so that every bound is reached with a few kilobytes. */
export const SMALL_BOUNDS: Partial<ReplicationBounds> = {
  literalRawBytesMax: 400,
  literalsInFlightBytesMax: 3000,
  literalIntakeBytesMax: 12_000,
  operationsGroupBytesMax: 600,
  operationsInFlightBytesMax: 1500,
  operationsQueueBytesMax: 4000,
  applyBatchesMax: 5,
  positionRangesMax: 4,
  recipeRawBytesMin: 200,
  recipePauseBytesMin: 400,
  recipePauseBytesMax: 1600,
  recipesInFlightMax: 3,
  divergedBytesMin: 500,
};

/** Not smaller, but checked: what does not carry the mark is refused. */
export const markCompression: Compression = {
  compress: (bytes) =>
    Uint8Array.from([0x5a, ...bytes.subarray(0, bytes.length - 2), bytes.at(-2) ?? 0, bytes.at(-1) ?? 0]),
  decompress: (frame, expectedLength) => {
    if (frame[0] !== 0x5a || frame.length !== expectedLength + 1) throw new Error('not a frame');
    return frame.slice(1);
  },
};

export interface SimulatedNode {
  readonly name: string;
  readonly key: Uint8Array;
  readonly volume: ModelVolume;
  readonly mode: ReplicationMode;
  replicator: Replicator;
  /** As last asked; asked again only when the replicator says so, as a daemon with one timer does. */
  timeout: Milliseconds | undefined;
  timeoutChanged: boolean;
}

interface Connection {
  readonly left: number;
  readonly right: number;
  ends: readonly [LinkEnd, LinkEnd] | undefined;
  /** Of the link before: what it sent and had not arrived counts as lost when the next one starts. */
  former: readonly LinkEnd[];
}

export interface ClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Pairs of node numbers that may be linked. */
  readonly topology: readonly (readonly [number, number])[];
  readonly profile?: LinkProfile;
  readonly faults?: ModelFaults;
  readonly modes?: readonly ReplicationMode[];
  readonly bounds?: Partial<ReplicationBounds>;
  /** Chance of a chunk to be in a node's seeds; without it there are none. */
  readonly seeds?: number;
  /** Bytes may be sent more than once on a link (faults make that necessary). */
  readonly lenient?: boolean;
}

export class Cluster {
  readonly scheduler = new Scheduler();
  readonly random: SeededRandom;
  readonly nodes: SimulatedNode[] = [];
  readonly #options: ClusterOptions;
  readonly #connections: Connection[];
  readonly closeReasons: string[] = [];
  bytesSent = 0;
  literalBytesSent = 0;
  /** Raw literal bytes that were sent and not held on the other side when the next link started. */
  literalBytesLost = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    modelErrors.length = 0;
    linkErrors.length = 0;
    for (let index = 0; index < options.nodes; index++) {
      const key = new Uint8Array(32).fill(index + 1);
      const mode = options.modes?.[index] ?? 'two-way';
      const faults = options.faults ?? NO_FAULTS;
      const volume = new ModelVolume({ node: key, random: this.random, scheduler: this.scheduler, faults });
      volume.seeds = options.seeds ?? 0;
      const name = String.fromCharCode(65 + index);
      const replicator = this.#replicator(volume, index, mode);
      this.nodes.push({ name, key, volume, mode, replicator, timeout: undefined, timeoutChanged: true });
    }
    this.#connections = options.topology.map(([left, right]) => ({ left, right, ends: undefined, former: [] }));
  }

  node(index: number): SimulatedNode {
    const node = this.nodes[index];
    if (!node) throw new Error(`no node ${index}`);
    return node;
  }

  get linkCount(): number {
    return this.#connections.length;
  }

  connectAll(): void {
    for (let index = 0; index < this.#connections.length; index++) this.connect(index);
  }

  connect(index: number): void {
    const connection = this.#connections[index];
    if (!connection || connection.ends) return;
    const [left, right] = [this.node(connection.left), this.node(connection.right)];
    const ends = [this.#end(connection, left, right), this.#end(connection, right, left)] as const;
    connection.ends = ends;
    for (const end of connection.former) this.literalBytesLost += end.lostBytes();
    connection.former = ends;
    const logs = this.nodes.flatMap((node) => node.volume.logs().map((state) => state.log));
    for (const end of ends) end.snapshot(logs);
    ends[0].events = left.replicator.addLink(ends[0]);
    ends[1].events = right.replicator.addLink(ends[1]);
    ends[0].receiver = ends[1].events;
    ends[1].receiver = ends[0].events;
  }

  cut(index: number, reason = 'cut'): void {
    const connection = this.#connections[index];
    const ends = connection?.ends;
    if (!connection || !ends) return;
    connection.ends = undefined;
    ends[0].cut(reason);
    ends[1].cut(reason);
  }

  /** Kill -9 and start again: what is not durable is gone. */
  restart(index: number): void {
    const node = this.node(index);
    this.#connections.forEach((connection, link) => {
      if (connection.left === index || connection.right === index) this.cut(link, 'the node died');
    });
    node.replicator.close();
    node.volume.crash();
    node.replicator = this.#replicator(node.volume, index, node.mode);
    node.timeoutChanged = true;
  }

  /** Runs until nothing is left to do, or the time is over; false in the latter case. */
  async settle(timeLimitMs: number): Promise<boolean> {
    const end = this.scheduler.now + timeLimitMs;
    while (await this.step(end)) {
      if (this.scheduler.now >= end) return false;
    }
    return true;
  }

  async runUntil(time: number): Promise<void> {
    while (await this.step(time)) if (this.scheduler.now >= time) break;
    this.scheduler.advanceTo(time);
  }

  /** The next event or timeout; false when there is none before `until`. */
  async step(until: number): Promise<boolean> {
    let wake: SimulatedNode | undefined;
    let at = this.scheduler.nextAt ?? Number.POSITIVE_INFINITY;
    for (const node of this.nodes) {
      if (node.timeoutChanged) node.timeout = node.replicator.nextTimeout();
      node.timeoutChanged = false;
      if (node.timeout === undefined) continue;
      const due = Math.max(node.timeout, this.scheduler.now);
      if (due < at || (due === at && wake === undefined)) {
        wake = node;
        at = due;
      }
    }
    if (at === Number.POSITIVE_INFINITY || at > until) {
      if (at !== Number.POSITIVE_INFINITY) this.scheduler.advanceTo(until);
      return at !== Number.POSITIVE_INFINITY;
    }
    this.scheduler.advanceTo(at);
    if (wake) {
      wake.replicator.handleTimeout(this.scheduler.now);
      wake.timeoutChanged = true;
    } else this.scheduler.runNext();
    for (let turn = 0; turn < 4; turn++) await null;
    this.#throwBroken();
    return true;
  }

  equalNodes(): boolean {
    const prints = new Set(this.nodes.map((node) => node.volume.fingerprint()));
    return prints.size === 1;
  }

  equalBytes(): boolean {
    return new Set(this.nodes.map((node) => node.volume.heldText())).size === 1;
  }

  /** Bytes of all nodes that seeds gave. */
  recipeBytesFilled(): number {
    const peers = this.nodes.flatMap((node) => node.replicator.status().peers);
    return peers.reduce((sum, { counters }) => sum + counters.recipeBytesFilled, 0);
  }

  asksSent(): number {
    const peers = this.nodes.flatMap((node) => node.replicator.status().peers);
    return peers.reduce((sum, { counters }) => sum + counters.asksSent, 0);
  }

  describe(): string {
    return this.nodes
      .map((node) => {
        const status = node.replicator.status();
        const logs = status.logs.map(
          (log) =>
            `   ${logKey(log.log).slice(-4)} applied ${log.applied} queued ${log.batchesQueued} ${log.waiting ?? ''} wanted ${log.wanted ?? ''}`,
        );
        const peers = status.peers.map(
          (peer) => `   peer ${peer.peer[0]}: ${peer.state} (${peer.reason}) in flight ${peer.bytesInFlight}`,
        );
        return [`${node.name}:`, ...logs, ...peers].join('\n');
      })
      .join('\n');
  }

  #throwBroken(): void {
    if (modelErrors.length > 0) throw modelErrors[0];
    if (linkErrors.length > 0) throw new Error(linkErrors[0]);
  }

  #replicator(volume: ModelVolume, index: number, mode: ReplicationMode): Replicator {
    const bounds = this.#options.bounds ?? SMALL_BOUNDS;
    const onTimeoutChanged = (): void => {
      const node = this.nodes[index];
      if (node) node.timeoutChanged = true;
    };
    return new Replicator({
      volume,
      compression: markCompression,
      logger: silentLogger,
      mode,
      bounds,
      onTimeoutChanged,
    });
  }

  #end(connection: Connection, _from: SimulatedNode, to: SimulatedNode): LinkEnd {
    return new LinkEnd({
      peer: to.key,
      scheduler: this.scheduler,
      random: this.random,
      profile: this.#options.profile ?? { latencyMs: 10, jitterMs: 5, bytesPerMs: 100 },
      heldThere: (log: LogName) => to.volume.held(log),
      lenient: this.#options.lenient ?? false,
      onSent: (bytes) => {
        this.bytesSent += bytes;
      },
      onLiteral: (_log: LogName, range: PositionRange) => {
        this.literalBytesSent += range.end - range.start;
      },
      onLocalClose: (reason) => {
        this.closeReasons.push(reason);
        const ends = connection.ends;
        connection.ends = undefined;
        for (const end of ends ?? []) end.cut(reason);
      },
    });
  }
}

/** Sum over nodes of what each holds of other nodes' logs. */
export function receivedUniqueBytes(cluster: Cluster): number {
  let sum = 0;
  for (const node of cluster.nodes) {
    for (const state of node.volume.logs()) {
      if (state.log.node[0] !== node.key[0]) sum += RangeSet.of(state.held).bytes;
    }
  }
  return sum;
}
