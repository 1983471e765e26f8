// Counters of one link, kept over the life of the peer's record; `pfs status` and the metrics read them.

export interface LinkCounters {
  literalsSent: number;
  /** Of these. */
  deltaLiteralsSent: number;
  literalRawBytesSent: number;
  literalFrameBytesSent: number;
  /** Sent instead of literals, and the bytes that these would have carried. */
  recipesSent: number;
  recipeRawBytesSent: number;
  recipeFrameBytesSent: number;
  recipesReceived: number;
  recipeFrameBytesReceived: number;
  /** Bytes that did not come, because a recipe was filled from elsewhere. */
  recipeBytesFilled: number;
  literalsReceived: number;
  literalRawBytesReceived: number;
  literalFrameBytesReceived: number;
  /** Literals that came although every byte was held: after a cut, or asked of two peers. */
  literalsDuplicate: number;
  /** Literals that could not be stored: damaged, or no space. */
  literalsRejected: number;
  /** Literals not wanted: this node is send-only, or they are of its own current log. */
  literalsRefused: number;
  /** Held ranges that could not be packed (a read error here). */
  literalsUnreadable: number;
  batchesSent: number;
  batchRawBytesSent: number;
  batchMessageBytesSent: number;
  batchesReceived: number;
  batchMessageBytesReceived: number;
  batchesDuplicate: number;
  /** Batches beyond the queue's bound, to be asked for later. */
  batchesDropped: number;
  /** Batches not wanted: this node is send-only, or they claim to be of its own current log. */
  batchesRefused: number;
  asksSent: number;
  asksReceived: number;
  operationAsksSent: number;
  operationAsksReceived: number;
  unavailableSent: number;
  unavailableReceived: number;
  asksTimedOut: number;
  malformed: number;
  links: number;
}

export const newCounters = (): LinkCounters => ({
  literalsSent: 0,
  deltaLiteralsSent: 0,
  literalRawBytesSent: 0,
  literalFrameBytesSent: 0,
  recipesSent: 0,
  recipeRawBytesSent: 0,
  recipeFrameBytesSent: 0,
  recipesReceived: 0,
  recipeFrameBytesReceived: 0,
  recipeBytesFilled: 0,
  literalsReceived: 0,
  literalRawBytesReceived: 0,
  literalFrameBytesReceived: 0,
  literalsDuplicate: 0,
  literalsRejected: 0,
  literalsRefused: 0,
  literalsUnreadable: 0,
  batchesSent: 0,
  batchRawBytesSent: 0,
  batchMessageBytesSent: 0,
  batchesReceived: 0,
  batchMessageBytesReceived: 0,
  batchesDuplicate: 0,
  batchesDropped: 0,
  batchesRefused: 0,
  asksSent: 0,
  asksReceived: 0,
  operationAsksSent: 0,
  operationAsksReceived: 0,
  unavailableSent: 0,
  unavailableReceived: 0,
  asksTimedOut: 0,
  malformed: 0,
  links: 0,
});
