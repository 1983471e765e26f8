// The connections of an endpoint, by index and by peer: one in use for each peer, and a few answered ones that no packet
// has confirmed yet. An unconfirmed one never disturbs the one in use; when it is confirmed it replaces it.
import type { Connection } from './connection.ts';
import { CONFIRMATION_MS, UNCONFIRMED_PER_PEER_MAX } from './constants.ts';
import { hexOf } from './primitives.ts';

export class ConnectionTable {
  /** By local index: every connection that packets may still name. */
  readonly #byIndex = new Map<number, Connection>();
  readonly #current = new Map<string, Connection>();
  /** Oldest first. */
  readonly #unconfirmed = new Map<string, Connection[]>();

  get size(): number {
    return this.#byIndex.size;
  }

  get unconfirmedCount(): number {
    let count = 0;
    for (const connections of this.#unconfirmed.values()) count += connections.length;
    return count;
  }

  all(): IterableIterator<Connection> {
    return this.#byIndex.values();
  }

  atIndex(index: number): Connection | undefined {
    return this.#byIndex.get(index);
  }

  /** The open connection in use with a peer. */
  withPeer(peer: Uint8Array): Connection | undefined {
    const connection = this.#current.get(hexOf(peer));
    return connection === undefined || connection.closed ? undefined : connection;
  }

  inUse(): Connection[] {
    return [...this.#current.values()].filter((connection) => !connection.closed);
  }

  hasUnconfirmed(peer: Uint8Array): boolean {
    return this.#unconfirmed.has(hexOf(peer));
  }

  addUnconfirmed(connection: Connection): void {
    const key = hexOf(connection.peer);
    const answered = [...(this.#unconfirmed.get(key) ?? []), connection];
    this.#byIndex.set(connection.localIndex, connection);
    this.#unconfirmed.set(key, answered);
    const [oldest] = answered;
    if (answered.length > UNCONFIRMED_PER_PEER_MAX && oldest !== undefined) this.forget(oldest);
  }

  /** The peer has this connection's keys: it is the one in use from now on. */
  confirm(connection: Connection): void {
    const key = hexOf(connection.peer);
    for (const other of this.#unconfirmed.get(key) ?? []) if (other !== connection) this.forget(other);
    this.#unconfirmed.delete(key);
    const older = this.#current.get(key);
    if (older !== undefined) {
      older.abandon('replaced');
      this.forget(older);
    }
    this.#byIndex.set(connection.localIndex, connection);
    this.#current.set(key, connection);
  }

  forget(connection: Connection): void {
    connection.abandon('forgotten');
    const key = hexOf(connection.peer);
    this.#byIndex.delete(connection.localIndex);
    const others = (this.#unconfirmed.get(key) ?? []).filter((candidate) => candidate !== connection);
    if (others.length === 0) this.#unconfirmed.delete(key);
    else this.#unconfirmed.set(key, others);
    if (this.#current.get(key) === connection) this.#current.delete(key);
  }

  /** When `sweep` will find an answered connection too old. */
  get sweepAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const [oldest] of this.#unconfirmed.values()) {
      if (oldest !== undefined) earliest = Math.min(earliest, oldest.createdAt + CONFIRMATION_MS);
    }
    return earliest;
  }

  /** Forgets what ended or was never confirmed; returns the peers that are left without any connection by the latter. */
  sweep(nowMs: number): Uint8Array[] {
    const abandoned: Uint8Array[] = [];
    for (const [oldest] of this.#unconfirmed.values()) {
      if (oldest === undefined || nowMs - oldest.createdAt < CONFIRMATION_MS) continue;
      this.forget(oldest);
      if (!this.hasUnconfirmed(oldest.peer) && this.withPeer(oldest.peer) === undefined) abandoned.push(oldest.peer);
    }
    for (const connection of this.#byIndex.values()) if (connection.finished) this.forget(connection);
    return abandoned;
  }
}
