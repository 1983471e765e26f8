// What loss recovery tells a congestion controller, and what the sender asks of it. Implementations are pure: they see
// time only as an argument.

export interface AcknowledgedSample {
  readonly nowMs: number;
  readonly acknowledgedBytes: number;
  /** After the acknowledgement. */
  readonly bytesInFlight: number;
  /** Bytes delivered in all, now and when the newest packet acknowledged was sent. */
  readonly delivered: number;
  readonly priorDelivered: number;
  /** When that packet was sent. */
  readonly sentAt: number;
  /** Delivery rate over the flight of the newest packet acknowledged. */
  readonly bytesPerMs: number;
  /** That packet was sent while there was nothing more to send: the rate may be an underestimate. */
  readonly appLimited: boolean;
  readonly rttMs: number;
  /** Bytes in flight when that packet was sent, its own among them. */
  readonly inFlightWhenSentBytes: number;
}

/** Packets that were found to be lost at one moment. */
export interface LostSample {
  readonly nowMs: number;
  readonly lostBytes: number;
  /** Of the newest of them: bytes lost since it was sent, bytes in flight then, its own among both; and as above. */
  readonly lostSinceSentBytes: number;
  readonly inFlightWhenSentBytes: number;
  readonly appLimited: boolean;
}

export interface CongestionController {
  readonly name: string;
  /** Bytes that may be in flight. */
  readonly windowBytes: number;
  readonly pacingBytesPerMs: number;
  /** Estimated rate of the path; 0 before the first estimate. */
  readonly rateBytesPerMs: number;
  onAcknowledged(sample: AcknowledgedSample): void;
  onLost(sample: LostSample): void;
  /** Several probe timeouts passed before something was acknowledged. */
  onPersistentCongestion(nowMs: number): void;
}
