// The connections of an endpoint: by peer, one for each; by index, the bindings that packets may name. A binding that was
// answered and that no packet has confirmed yet disturbs nothing that is in use; confirmed, it adds its path to a
// connection, renews a path's keys, or replaces the connection.
import type { Connection, PathBinding } from './connection.ts';
import { CONFIRMATION_MS, RENEWAL_CONFIRMATION_MS, UNCONFIRMED_PER_PEER_MAX } from './constants.ts';
import { hexOf, sameBytes } from './primitives.ts';

export interface Binding extends PathBinding {
  readonly connection: Connection;
  readonly peerResetToken: Uint8Array;
  readonly createdAt: number;
}

export class ConnectionTable {
  /** By local index: every binding that packets may still name. */
  readonly #byIndex = new Map<number, Binding>();
  readonly #current = new Map<string, Connection>();
  /** Oldest first. */
  readonly #unconfirmed = new Map<string, Binding[]>();

  /** Bindings. */
  get size(): number {
    return this.#byIndex.size;
  }

  get unconfirmedCount(): number {
    let count = 0;
    for (const bindings of this.#unconfirmed.values()) count += bindings.length;
    return count;
  }

  /** Open ones, and those that still answer late packets. */
  all(): IterableIterator<Connection> {
    return this.#current.values();
  }

  atIndex(index: number): Binding | undefined {
    return this.#byIndex.get(index);
  }

  withResetToken(token: Uint8Array): Binding | undefined {
    for (const binding of this.#byIndex.values()) if (sameBytes(binding.peerResetToken, token)) return binding;
    return undefined;
  }

  /** The open connection with a peer. */
  withPeer(peer: Uint8Array): Connection | undefined {
    const connection = this.#current.get(hexOf(peer));
    return connection === undefined || connection.closed ? undefined : connection;
  }

  /** The open connection with a peer that has this id, or the one answered of which no packet has come yet. */
  withId(peer: Uint8Array, id: Uint8Array): Connection | undefined {
    const answered = (this.#unconfirmed.get(hexOf(peer)) ?? []).map(({ connection }) => connection);
    const known = [this.withPeer(peer), ...answered];
    return known.find((one) => one !== undefined && !one.closed && sameBytes(one.id, id));
  }

  inUse(): Connection[] {
    return [...this.#current.values()].filter((connection) => !connection.closed);
  }

  /** Whether an answer that would open a connection or add a path waits for its first packet. */
  hasUnconfirmed(peer: Uint8Array): boolean {
    return (this.#unconfirmed.get(hexOf(peer)) ?? []).some((binding) => !isRenewal(binding));
  }

  addUnconfirmed(binding: Binding): void {
    const key = hexOf(binding.connection.peer);
    const answered = [...(this.#unconfirmed.get(key) ?? []), binding];
    this.#byIndex.set(binding.keys.localIndex, binding);
    this.#unconfirmed.set(key, answered);
    const [oldest] = answered;
    if (answered.length > UNCONFIRMED_PER_PEER_MAX && oldest !== undefined) this.#forget(oldest);
  }

  /** The peer has this binding's keys. True when its connection is in use from now on, in place of an older one. */
  confirm(binding: Binding): boolean {
    const { connection } = binding;
    const key = hexOf(connection.peer);
    for (const other of this.#unconfirmed.get(key) ?? []) {
      if (other === binding) this.#settle(other);
      else if (other.connection !== connection) this.#forget(other);
    }
    this.#byIndex.set(binding.keys.localIndex, binding);
    const older = this.#current.get(key);
    if (older === connection) return false;
    older?.abandon('replaced');
    this.#current.set(key, connection);
    this.#forgetDestroyed();
    return true;
  }

  #forget(binding: Binding): void {
    binding.keys.destroy();
    this.#byIndex.delete(binding.keys.localIndex);
    this.#settle(binding);
  }

  /** It is not an unconfirmed one any more. */
  #settle(binding: Binding): void {
    const key = hexOf(binding.connection.peer);
    const others = (this.#unconfirmed.get(key) ?? []).filter((candidate) => candidate !== binding);
    if (others.length === 0) this.#unconfirmed.delete(key);
    else this.#unconfirmed.set(key, others);
  }

  /** Keys are destroyed with their path or connection, or a while after newer ones came. */
  #forgetDestroyed(): void {
    for (const [index, binding] of this.#byIndex) if (binding.keys.destroyed) this.#byIndex.delete(index);
  }

  /** When `sweep` will find an answered binding too old. */
  get sweepAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const bindings of this.#unconfirmed.values()) {
      for (const binding of bindings) earliest = Math.min(earliest, forgottenAt(binding));
    }
    return earliest;
  }

  /** Forgets what ended or was never confirmed; returns the peers that are left without any connection by the latter. */
  sweep(nowMs: number): Uint8Array[] {
    const abandoned: Uint8Array[] = [];
    for (const bindings of this.#unconfirmed.values()) {
      for (const binding of bindings) {
        if (nowMs < forgottenAt(binding)) continue;
        this.#forget(binding);
        const { peer } = binding.connection;
        if (!this.hasUnconfirmed(peer) && this.withPeer(peer) === undefined) abandoned.push(peer);
      }
    }
    for (const [key, connection] of this.#current) if (connection.finished) this.#current.delete(key);
    this.#forgetDestroyed();
    return abandoned;
  }
}

/** New keys for a path in use: a path that was cut comes back with them within its lifetime. */
const isRenewal = ({ connection, path }: Binding): boolean => connection.paths.includes(path);

/** When an answer of which no packet has come is forgotten. */
function forgottenAt(binding: Binding): number {
  if (binding.connection.closed) return binding.createdAt;
  return binding.createdAt + (isRenewal(binding) ? RENEWAL_CONFIRMATION_MS : CONFIRMATION_MS);
}
