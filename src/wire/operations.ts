// The room's face for replicated operations: their types, encoding, and decoding with validation.
export { BatchEncoder, encodeBatch } from './batch-encoder.ts';
export { decodeBatch, type DecodedBatch } from './batch-decoder.ts';
export * from './operation-types.ts';
