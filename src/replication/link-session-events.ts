// What a link session hands on: whole messages of a peer, decoded and within bounds.
import type { BatchOutline } from '../wire/batch-outline.ts';
import type { WireRange } from '../wire/messages.ts';
import type { LogName, PositionRange } from './ports.ts';

export interface ReceivedBatch extends BatchOutline {
  readonly bytes: Uint8Array;
}

export interface ReceivedRecipe {
  readonly log: LogName;
  readonly range: PositionRange;
  readonly frame: Uint8Array;
}

export interface ReceivedLiteral {
  readonly log: LogName;
  readonly range: PositionRange;
  readonly frame: Uint8Array;
  readonly ask: number;
}

/** What a session tells the replicator. */
export interface LinkSessionEvents<Session> {
  onMembers(session: Session, entries: readonly Uint8Array[]): void;
  onPositions(session: Session): void;
  onBatch(session: Session, batch: ReceivedBatch): void;
  /** False: the peer sent more than its window. */
  onLiteral(session: Session, literal: ReceivedLiteral): boolean;
  /** Likewise. */
  onRecipe(session: Session, recipe: ReceivedRecipe): boolean;
  onUnavailable(session: Session, ask: number, ranges: readonly WireRange[]): void;
  onClosed(session: Session, reason: string): void;
}
