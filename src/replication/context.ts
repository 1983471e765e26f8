// What the parts of replication share: the ports, the time, the local logs, the bounds. Bounds are a value so that a
// simulation can make them small and reach them.
import type { Logger } from '../base/clock.ts';
import {
  ANSWER_PATIENCE_MIN_MS,
  APPLY_BATCHES_MAX,
  APPLY_BYTES_MAX,
  ASK_PATIENCE_MIN_MS,
  DIVERGED_BYTES_MIN,
  LITERAL_INTAKE_BYTES_MAX,
  LITERAL_RAW_BYTES_MAX,
  LITERAL_STORES_MAX,
  LITERALS_IN_FLIGHT_BYTES_MAX,
  LITERALS_IN_FLIGHT_GROWN_BYTES_MAX,
  LITERALS_IN_FLIGHT_MAX,
  LOG_LAG_MAX_MS,
  OPERATIONS_GROUP_BYTES_MAX,
  OPERATIONS_IN_FLIGHT_BYTES_MAX,
  OPERATIONS_QUEUE_BYTES_MAX,
  PEER_RANGES_MAX,
  POSITION_RANGES_MAX,
  POSITIONS_DELAY_MAX_MS,
  RECIPE_CHUNKS_IN_FLIGHT_MAX,
  RECIPE_FILLS_MAX,
  RECIPE_PAUSE_BYTES_MAX,
  RECIPE_PAUSE_BYTES_MIN,
  RECIPE_RAW_BYTES_MIN,
  RECIPES_IN_FLIGHT_MAX,
  RETRY_DELAY_MAX_MS,
  RETRY_DELAY_MIN_MS,
} from '../base/limits.ts';
import type { Compression, ReplicationMode } from '../wire/messages.ts';
import type { LocalLogs } from './local-logs.ts';
import type { VolumePort } from './ports.ts';
import type { Timeline } from './timeline.ts';

export const DEFAULT_BOUNDS = {
  literalRawBytesMax: LITERAL_RAW_BYTES_MAX as number,
  literalsInFlightBytesMax: LITERALS_IN_FLIGHT_BYTES_MAX as number,
  literalsInFlightGrownBytesMax: LITERALS_IN_FLIGHT_GROWN_BYTES_MAX as number,
  literalsInFlightMax: LITERALS_IN_FLIGHT_MAX as number,
  literalIntakeBytesMax: LITERAL_INTAKE_BYTES_MAX as number,
  literalStoresMax: LITERAL_STORES_MAX as number,
  operationsGroupBytesMax: OPERATIONS_GROUP_BYTES_MAX as number,
  operationsInFlightBytesMax: OPERATIONS_IN_FLIGHT_BYTES_MAX as number,
  operationsQueueBytesMax: OPERATIONS_QUEUE_BYTES_MAX as number,
  applyBatchesMax: APPLY_BATCHES_MAX as number,
  applyBytesMax: APPLY_BYTES_MAX as number,
  peerRangesMax: PEER_RANGES_MAX as number,
  positionRangesMax: POSITION_RANGES_MAX as number,
  positionsDelayMs: POSITIONS_DELAY_MAX_MS as number,
  askPatienceMs: ASK_PATIENCE_MIN_MS as number,
  answerPatienceMs: ANSWER_PATIENCE_MIN_MS as number,
  logLagMs: LOG_LAG_MAX_MS as number,
  recipeRawBytesMin: RECIPE_RAW_BYTES_MIN as number,
  recipePauseBytesMin: RECIPE_PAUSE_BYTES_MIN as number,
  recipePauseBytesMax: RECIPE_PAUSE_BYTES_MAX as number,
  recipesInFlightMax: RECIPES_IN_FLIGHT_MAX as number,
  recipeChunksInFlightMax: RECIPE_CHUNKS_IN_FLIGHT_MAX as number,
  recipeFillsMax: RECIPE_FILLS_MAX as number,
  divergedBytesMin: DIVERGED_BYTES_MIN as number,
  retryDelayMinMs: RETRY_DELAY_MIN_MS as number,
  retryDelayMaxMs: RETRY_DELAY_MAX_MS as number,
};
export type ReplicationBounds = Readonly<typeof DEFAULT_BOUNDS>;

export interface ReplicationContext {
  readonly volume: VolumePort;
  readonly compression: Compression;
  readonly logger: Logger;
  readonly bounds: ReplicationBounds;
  readonly timeline: Timeline;
  readonly local: LocalLogs;
  readonly mode: ReplicationMode;
  /** Something changed that nextTimeout depends on. */
  readonly wake: () => void;
}

/** 1, 2, 4 … times the shortest pause, up to the longest. */
export const retryDelayMs = (bounds: ReplicationBounds, failures: number): number =>
  Math.min(bounds.retryDelayMinMs * 2 ** Math.min(failures - 1, 30), bounds.retryDelayMaxMs);
