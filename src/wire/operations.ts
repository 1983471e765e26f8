// The room's face for replicated operations: their types, encoding, and decoding with validation.

export { type DecodedBatch, decodeBatch } from './batch-decoder.ts';
export { BatchEncoder, encodeBatch } from './batch-encoder.ts';
export * from './operation-types.ts';
