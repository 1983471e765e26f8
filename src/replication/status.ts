// What `pfs status` and the metrics read of replication. Every wait has a state and a reason here.
import type { Milliseconds } from '../base/units.ts';
import type { Applier, ApplierCounters } from './applier.ts';
import type { LinkCounters } from './link-counters.ts';
import type { LocalLogs } from './local-logs.ts';
import type { OperationAsker } from './operation-asker.ts';
import type { Blocked } from './operation-queue.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName } from './ports.ts';
import type { PushJob } from './push-job.ts';
import type { Timeline } from './timeline.ts';

/** closed: no link · connecting: no Hello yet · comparing: its positions are coming · waiting: see the reason. */
export type PeerState = 'closed' | 'connecting' | 'comparing' | 'pushing' | 'idle' | 'waiting';

export interface PeerLogStatus {
  readonly log: LogName;
  /** Last sequence that the peer has durably applied. */
  readonly applied: bigint;
  readonly heldBytes: number;
  /** Operations of this node's that the peer has not applied (own logs, and logs it asked for). */
  readonly operationsOutstanding: bigint;
  /** Literal bytes (raw) still to be handed over. */
  readonly bytesOutstanding: number;
}

export interface PeerStatus {
  readonly peer: Uint8Array;
  readonly state: PeerState;
  readonly reason: string;
  readonly logs: readonly PeerLogStatus[];
  /** Literal frames sent and not yet announced as held. */
  readonly bytesInFlight: number;
  readonly unacknowledgedBytes: number;
  readonly rttMs: number;
  /** When the last message or block came; undefined: never on this link. */
  readonly lastProgress: Milliseconds | undefined;
  readonly counters: Readonly<LinkCounters>;
}

export interface LogStatus {
  readonly log: LogName;
  readonly applied: bigint;
  readonly heldBytes: number;
  readonly batchesQueued: number;
  readonly bytesQueued: number;
  /** What the next batch waits for; undefined: nothing. */
  readonly waiting: string | undefined;
  readonly waitingMs: number;
  /** The highest sequence that is known to exist and not here. */
  readonly wanted: bigint | undefined;
}

export interface ReplicationStatus {
  readonly peers: readonly PeerStatus[];
  readonly logs: readonly LogStatus[];
  readonly applying: boolean;
  readonly literalsStoring: number;
  readonly literalsRejected: number;
  readonly asksOutstanding: number;
  readonly applier: Readonly<ApplierCounters>;
}

export function peerLogStatuses(
  view: PeerView,
  here: { readonly local: LocalLogs; readonly jobs: Iterable<PushJob> },
): PeerLogStatus[] {
  const jobs = new Map([...here.jobs].map((job) => [job.key, job]));
  return [...view.all()].map((entry) => {
    const local = here.local.of(entry.log);
    const behind = local.applied > entry.applied ? local.applied - entry.applied : 0n;
    const job = jobs.get(local.key);
    return {
      log: entry.log,
      applied: entry.applied,
      heldBytes: entry.held.bytes,
      operationsOutstanding: job || local.own ? behind : 0n,
      bytesOutstanding: job?.lacking.bytes ?? 0,
    };
  });
}

export function logStatuses(here: {
  readonly local: LocalLogs;
  readonly timeline: Timeline;
  readonly applier: Applier;
  readonly operations: OperationAsker;
}): LogStatus[] {
  return [...here.local.all()].map((local) => {
    const queue = here.applier.queueIfAny(local.key);
    const blocked = queue?.blocked;
    return {
      log: local.log,
      applied: local.applied,
      heldBytes: local.held.bytes,
      batchesQueued: queue?.count ?? 0,
      bytesQueued: queue?.bytes ?? 0,
      waiting: blocked ? reasonOf(blocked) : undefined,
      waitingMs: blocked ? here.timeline.elapsedMs(blocked.since) : 0,
      wanted: here.operations.goalOf(local.key),
    };
  });
}

function reasonOf(blocked: Blocked): string {
  switch (blocked.kind) {
    case 'waiting':
      return `operation ${blocked.sequence} of log ${blocked.key} must come first`;
    case 'missing':
      return blocked.mismatch
        ? `${blocked.remaining.bytes} bytes of log ${blocked.key} do not match their check`
        : `${blocked.remaining.bytes} bytes of log ${blocked.key} are missing`;
    case 'failed':
      return `it could not be applied (${blocked.failures} times): ${blocked.reason}`;
  }
}
