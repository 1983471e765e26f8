// The peers that have been linked since the start: the session of each that is connected, and what is known of the
// others. An applied position stays true when the link goes.
import type { AskTarget } from './ask-target.ts';
import type { LinkCounters } from './link-counters.ts';
import { newCounters } from './link-counters.ts';
import type { LinkSession } from './link-session.ts';
import type { LocalLogs } from './local-logs.ts';
import { hexOf, type LogKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import { type PeerState, type PeerStatus, peerLogStatuses } from './status.ts';

export interface PeerRecord {
  readonly peer: Uint8Array;
  readonly key: string;
  readonly counters: LinkCounters;
  session: LinkSession | undefined;
  /** Of the latest link. */
  view: PeerView | undefined;
  closedReason: string;
  /** Highest sequence durably applied there that any link announced. */
  readonly applied: Map<LogKey, bigint>;
}

export class Peers {
  readonly #records = new Map<string, PeerRecord>();

  of(peer: Uint8Array): PeerRecord {
    const key = hexOf(peer);
    const known = this.#records.get(key);
    if (known) return known;
    const created: PeerRecord = {
      peer: Uint8Array.from(peer),
      key,
      counters: newCounters(),
      session: undefined,
      view: undefined,
      closedReason: 'never connected',
      applied: new Map(),
    };
    this.#records.set(key, created);
    return created;
  }

  sessions(): LinkSession[] {
    const sessions: LinkSession[] = [];
    for (const record of this.#records.values()) if (record.session) sessions.push(record.session);
    return sessions;
  }

  closed(session: AskTarget, reason: string): void {
    const record = this.#records.get(session.peerKey);
    if (record?.session !== session) return;
    this.#remember(record);
    record.session = undefined;
    record.closedReason = reason;
  }

  haveApplied(goal: { readonly peer: string | undefined; readonly key: LogKey; readonly sequence: bigint }): boolean {
    if (goal.peer !== undefined) {
      const record = this.#records.get(goal.peer);
      return record !== undefined && this.#appliedAt(record, goal.key) >= goal.sequence;
    }
    for (const record of this.#records.values()) if (this.#appliedAt(record, goal.key) < goal.sequence) return false;
    return true;
  }

  statuses(local: LocalLogs): PeerStatus[] {
    return [...this.#records.values()].map((record) => {
      const [state, reason] = stateOf(record);
      return {
        peer: record.peer,
        state,
        reason,
        logs: record.view ? peerLogStatuses(record.view, { local, jobs: record.session?.pusher.jobs ?? [] }) : [],
        bytesInFlight: record.session?.pusher.window.bytes ?? 0,
        unacknowledgedBytes: record.session?.unacknowledgedBytes ?? 0,
        rttMs: record.session?.rttMs ?? 0,
        lastProgress: record.session?.lastProgress.at,
        counters: { ...record.counters },
      };
    });
  }

  #appliedAt(record: PeerRecord, key: LogKey): bigint {
    const now = record.view?.get(key)?.applied ?? 0n;
    const before = record.applied.get(key) ?? 0n;
    return now > before ? now : before;
  }

  #remember(record: PeerRecord): void {
    for (const [key, applied] of record.view?.positions() ?? []) {
      const before = record.applied.get(key) ?? 0n;
      if (applied > before) record.applied.set(key, applied);
    }
  }
}

function stateOf(record: PeerRecord): readonly [PeerState, string] {
  const { session } = record;
  if (!session) return ['closed', record.closedReason];
  if (!session.isGreeted) return ['connecting', 'no hello from the peer yet'];
  if (!session.isReady) return ['comparing', 'the positions of the peer are coming'];
  switch (session.pusher.state) {
    case 'idle':
      return ['idle', 'the peer has everything'];
    case 'pushing':
      return ['pushing', 'literals or operations are on their way'];
    case 'window full':
      return ['waiting', 'the peer has not stored the literals it was sent'];
    case 'link full':
      return ['waiting', 'the link has not delivered what it was given'];
    case 'halted':
      return ['waiting', session.pusher.haltedReason];
    case 'unreadable':
      return ['waiting', 'bytes that the peer lacks cannot be read here; see pfs scrub'];
  }
}
