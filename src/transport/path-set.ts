// The paths of one connection, in the order in which they take turns: which is the fastest, and what each may send.
import { assert } from '../base/assert.ts';
import { PATHS_MAX } from './constants.ts';
import type { Path, PathStatistics } from './path.ts';
import { type SocketAddress, sameAddress, samePlace } from './socket-address.ts';
import type { TransmitBatch } from './transmit-batch.ts';

/** Sums over the paths; RTT and datagram size are those of the fastest. */
export interface ConnectionStatistics extends Omit<PathStatistics, 'remote' | 'failing'> {
  readonly paths: readonly PathStatistics[];
}

/** A path on which the peer was heard this recently, where another was quiet for so long, has the better chance. */
const TALKING_MS = 100;
const QUIET_MS = 500;

export class PathSet implements Iterable<Path> {
  #paths: Path[] = [];

  [Symbol.iterator](): Iterator<Path> {
    return this.#paths[Symbol.iterator]();
  }

  get all(): readonly Path[] {
    return this.#paths;
  }

  get rateBytesPerMs(): number {
    return this.#paths.reduce((total, path) => total + path.sender.controller.rateBytesPerMs, 0);
  }

  get size(): number {
    return this.#paths.length;
  }

  /** Returns those whose place it takes: with its id, or to the same address. They are in the set until removed. */
  add(path: Path): Path[] {
    const replaced = this.#paths.filter(({ id, remote }) => id === path.id || sameAddress(remote, path.remote));
    this.#paths.push(path);
    return replaced;
  }

  remove(path: Path): void {
    this.#paths = this.#paths.filter((candidate) => candidate !== path);
  }

  includes(path: Path): boolean {
    return this.#paths.includes(path);
  }

  /** The path to a place of the peer, or that was asked for there; from the local address if that is given. */
  to(remote: SocketAddress): Path | undefined {
    const isIt = remote.local === undefined ? samePlace : sameAddress;
    const isAsked = ({ asked }: Path): boolean => asked !== undefined && isIt(asked, remote);
    return this.#paths.find((path) => isIt(path.remote, remote)) ?? this.#paths.find(isAsked);
  }

  withId(id: number): Path | undefined {
    return this.#paths.find((path) => path.id === id);
  }

  /** An id for a path that this side makes; undefined when there are enough. The connection's initiator has even ones. */
  freeId(initiated: boolean): number | undefined {
    for (let id = initiated ? 0 : 1; id < PATHS_MAX; id += 2) if (this.withId(id) === undefined) return id;
    return undefined;
  }

  /** Whether another than this answers. */
  hasOther(path: Path): boolean {
    return this.#paths.some((other) => other !== path && !other.failing);
  }

  fastest(nowMs: number): Path {
    const [first] = this.#paths;
    assert(first !== undefined, 'a connection in use has a path');
    let fastest = first;
    for (const path of this.#paths) if (path !== first && isBetter(path, fastest, nowMs)) fastest = path;
    return fastest;
  }

  /** One path takes all; of several the fastest takes the channels, and none that fails takes anything. */
  shareOut(nowMs: number): void {
    if (this.#paths.length === 0) return;
    const fastest = this.fastest(nowMs);
    for (const path of this.#paths) {
      if (path === fastest) path.sender.share = 'everything';
      else path.sender.share = path.failing ? 'nothing' : 'blocks';
    }
  }

  /** Fills the batch with the packets of one path, if any may leave; returns where they go. */
  transmit(batch: TransmitBatch, nowMs: number): SocketAddress | undefined {
    this.shareOut(nowMs);
    for (const path of this.#paths) {
      path.transmit(batch, nowMs);
      if (batch.count === 0) continue;
      // The others go first the next time.
      if (this.#paths.length > 1) this.#paths = [...this.#paths.filter((other) => other !== path), path];
      return path.remote;
    }
    return undefined;
  }

  statistics(nowMs: number): ConnectionStatistics {
    const paths = this.#paths.map((path) => path.statistics());
    const fastest = this.fastest(nowMs).statistics();
    const sum = (of: (path: PathStatistics) => number): number => paths.reduce((total, path) => total + of(path), 0);
    return {
      congestion: fastest.congestion,
      smoothedRttMs: fastest.smoothedRttMs,
      minimumRttMs: fastest.minimumRttMs,
      datagramBytes: fastest.datagramBytes,
      windowBytes: sum((path) => path.windowBytes),
      pacingBytesPerMs: sum((path) => path.pacingBytesPerMs),
      bytesInFlight: sum((path) => path.bytesInFlight),
      packetsSent: sum((path) => path.packetsSent),
      packetsLost: sum((path) => path.packetsLost),
      spuriousLosses: sum((path) => path.spuriousLosses),
      bytesSent: sum((path) => path.bytesSent),
      bytesReceived: sum((path) => path.bytesReceived),
      paths,
    };
  }
}

function isBetter(path: Path, than: Path, nowMs: number): boolean {
  if (path.failing !== than.failing) return than.failing;
  const [pathIsQuiet, otherIsQuiet] = [hasFallenQuiet(path, than, nowMs), hasFallenQuiet(than, path, nowMs)];
  if (pathIsQuiet !== otherIsQuiet) return otherIsQuiet;
  return path.smoothedRttMs < than.smoothedRttMs;
}

/** The peer is talking, and has not for a while on this path: probably it was cut. */
const hasFallenQuiet = (path: Path, other: Path, nowMs: number): boolean =>
  nowMs - other.heardAt < TALKING_MS && other.heardAt - path.heardAt > QUIET_MS;
