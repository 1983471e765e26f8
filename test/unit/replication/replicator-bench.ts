// A replicator over a model volume and links that only record, for tests that play its peer.
import { silentLogger } from '../../../src/base/clock.ts';
import { logPosition } from '../../../src/base/units.ts';
import type { ReplicationBounds } from '../../../src/replication/context.ts';
import type { LogName, PositionRange } from '../../../src/replication/ports.ts';
import { Replicator } from '../../../src/replication/replicator.ts';
import type { ControlMessage, WireLogReference } from '../../../src/wire/messages.ts';
import { markCompression } from '../../simulation/support/cluster.ts';
import { NO_FAULTS } from '../../simulation/support/model-faults.ts';
import { ModelVolume } from '../../simulation/support/model-volume.ts';
import { RecordedLink } from '../../simulation/support/recorded-link.ts';
import { Scheduler, SeededRandom } from '../../simulation/support/scheduler.ts';

export const seed = Number(process.env['PFS_SEED'] ?? Math.floor(Math.random() * 1e9));
console.log(`PFS_SEED=${seed}`);

export const HERE = 1;
export const THERE = 2;
export const key = (number: number): Uint8Array => new Uint8Array(32).fill(number);
export const ownLog: LogName = { node: key(HERE), epoch: 1 };
export const peerLog: LogName = { node: key(THERE), epoch: 1 };
export const range = (start: number, end: number): PositionRange => ({
  start: logPosition(start),
  end: logPosition(end),
});
export const reference = (log: LogName, index = 1): WireLogReference => ({ index, name: log });

export const position = (applied: bigint, log = peerLog): ControlMessage => ({
  kind: 'positions',
  logs: [{ log: reference(log), applied, held: [] }],
  confirmedLogs: 0,
  complete: true,
  seeded: false,
});

export class Bench {
  readonly scheduler = new Scheduler();
  readonly random = new SeededRandom(seed);
  readonly volume = new ModelVolume({
    node: key(HERE),
    random: this.random,
    scheduler: this.scheduler,
    faults: NO_FAULTS,
  });
  readonly members: { readonly peer: number | undefined; readonly entries: readonly Uint8Array[] }[] = [];
  readonly replicator: Replicator;

  constructor(bounds: Partial<ReplicationBounds> = {}) {
    this.volume.segmentJumps = 0;
    this.volume.replacements = 0;
    this.replicator = new Replicator({
      volume: this.volume,
      compression: markCompression,
      logger: silentLogger,
      mode: 'two-way',
      bounds,
      members: () => [Uint8Array.of(7)],
      onMembers: (peer, entries) => this.members.push({ peer: peer[0], entries }),
      onTimeoutChanged: () => {},
    });
  }

  link(peer = THERE): RecordedLink {
    const link = new RecordedLink(peer);
    link.events = this.replicator.addLink(link);
    return link;
  }

  /** Runs disk work and timeouts for so long. */
  async run(durationMs: number): Promise<void> {
    const end = this.scheduler.now + durationMs;
    for (;;) {
      const timeout = this.replicator.nextTimeout();
      const due = Math.min(timeout ?? end, this.scheduler.nextAt ?? end);
      if (due >= end) break;
      this.scheduler.advanceTo(due);
      if (timeout !== undefined && timeout <= this.scheduler.now) this.replicator.handleTimeout(this.scheduler.now);
      else this.scheduler.runNext();
      for (let turn = 0; turn < 4; turn++) await null;
    }
    this.scheduler.advanceTo(end);
    this.replicator.handleTimeout(this.scheduler.now);
    for (let turn = 0; turn < 4; turn++) await null;
  }

  write(): void {
    this.volume.write(4);
    this.volume.commitNow();
  }

  peer(peer = THERE) {
    const status = this.replicator.status().peers.find((entry) => entry.peer[0] === peer);
    if (!status) throw new Error('no such peer');
    return status;
  }
}
