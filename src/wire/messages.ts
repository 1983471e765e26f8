// Messages between peers: encode, decode, then validate (docs/format/wire.md, Messages). A malformed message is a
// result, not an exception: the caller closes the link and counts. What comes out of a decoder is in range, sorted
// and owned by the caller (no view of the received bytes).
import Long from 'long';
import {
  ASK_RANGES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  LITERAL_RAW_BYTES_MAX,
  LOGS_MAX,
  MEMBER_ENTRY_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  OPERATIONS_MESSAGE_BYTES_MAX,
  PEERS_MAX,
  POSITION_RANGES_MAX,
  RECIPE_CHUNKS_MAX,
} from '../base/limits.ts';
import { type LogPosition, logPosition } from '../base/units.ts';
import { packetfs } from './generated/packetfs.js';

export const PROTOCOL_VERSION = 1;
const POSITION_END = 2 ** 48;
const HEADER_BYTES_MAX = 256;
const COMPRESSION_BYTES_MIN = 200;
const COMPRESSION_LEVEL = 3;

export interface WireLogName {
  readonly node: Uint8Array;
  readonly epoch: number;
}
export interface WireLogReference {
  readonly index: number;
  /** Present until the receiver has confirmed the index. */
  readonly name: WireLogName | undefined;
}
export interface WireRange {
  readonly start: LogPosition;
  readonly end: LogPosition;
}
export interface WireLogPositions {
  readonly log: WireLogReference;
  readonly applied: bigint;
  readonly held: readonly WireRange[];
}
export type ReplicationMode = 'two-way' | 'send-only' | 'receive-only';
export type AskReason = 'missing' | 'repair' | 'rejected';

export type ControlMessage =
  | {
      readonly kind: 'hello';
      readonly versions: readonly number[];
      readonly mode: ReplicationMode;
      readonly recipes: boolean;
    }
  | { readonly kind: 'members'; readonly entries: readonly Uint8Array[] }
  | {
      readonly kind: 'positions';
      readonly logs: readonly WireLogPositions[];
      readonly confirmedLogs: number;
      readonly complete: boolean;
      readonly seeded: boolean;
    }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly log: WireLogReference;
      readonly ranges: readonly WireRange[];
      readonly reason: AskReason;
      readonly blocksReceived: number;
    }
  | { readonly kind: 'ask-operations'; readonly id: number; readonly log: WireLogReference; readonly from: bigint }
  | { readonly kind: 'unavailable'; readonly ask: number; readonly ranges: readonly WireRange[] }
  | {
      readonly kind: 'recipe-answer';
      readonly log: WireLogReference;
      readonly range: WireRange;
      /** Within the range. */
      readonly missing: readonly WireRange[];
    };

export interface WireBlockHeader {
  readonly log: WireLogReference;
  readonly start: LogPosition;
  readonly end: LogPosition;
  /** The Ask that it answers; 0: none. */
  readonly ask: number;
  /** The body is a recipe frame, not a literal. */
  readonly recipe: boolean;
}

/** zstd, injected: the addon's compress and decompress (which never writes more than `expectedLength`). */
export interface Compression {
  compress(bytes: Uint8Array, level: number): Uint8Array;
  decompress(frame: Uint8Array, expectedLength: number): Uint8Array;
}

export type Decoded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

// ---- control ---------------------------------------------------------------------------------------------------------

const MODES = {
  'two-way': packetfs.ReplicationMode.REPLICATION_MODE_TWO_WAY,
  'send-only': packetfs.ReplicationMode.REPLICATION_MODE_SEND_ONLY,
  'receive-only': packetfs.ReplicationMode.REPLICATION_MODE_RECEIVE_ONLY,
} as const;
const REASONS = {
  missing: packetfs.AskReason.ASK_REASON_MISSING,
  repair: packetfs.AskReason.ASK_REASON_REPAIR,
  rejected: packetfs.AskReason.ASK_REASON_REJECTED,
} as const;

export function encodeControl(message: ControlMessage): Uint8Array {
  return packetfs.ControlMessage.encode(controlProperties(message)).finish();
}

function controlProperties(message: ControlMessage): packetfs.ControlMessage.$Properties {
  switch (message.kind) {
    case 'hello':
      return {
        hello: { versions: [...message.versions], mode: MODES[message.mode], recipes: message.recipes },
      };
    case 'members':
      return { members: { entries: [...message.entries] } };
    case 'positions':
      return {
        positions: {
          logs: message.logs.map((entry) => ({
            log: referenceProperties(entry.log),
            applied: Long.fromBigInt(entry.applied, true),
            held: rangesProperties(entry.held),
          })),
          confirmedLogs: message.confirmedLogs,
          complete: message.complete,
          seeded: message.seeded,
        },
      };
    case 'ask':
      return {
        ask: {
          id: Long.fromNumber(message.id, true),
          log: referenceProperties(message.log),
          ranges: rangesProperties(message.ranges),
          reason: REASONS[message.reason],
          blocksReceived: Long.fromNumber(message.blocksReceived, true),
        },
      };
    case 'ask-operations':
      return {
        askOperations: {
          id: Long.fromNumber(message.id, true),
          log: referenceProperties(message.log),
          from: Long.fromBigInt(message.from, true),
        },
      };
    case 'unavailable':
      return {
        unavailable: { ask: Long.fromNumber(message.ask, true), ranges: rangesProperties(message.ranges) },
      };
    case 'recipe-answer':
      return {
        recipeAnswer: {
          log: referenceProperties(message.log),
          start: Long.fromNumber(message.range.start, true),
          length: Long.fromNumber(message.range.end - message.range.start, true),
          missing: rangesProperties(message.missing),
        },
      };
  }
}

export function decodeControl(bytes: Uint8Array): Decoded<ControlMessage> {
  return guarded('control message', bytes, CONTROL_MESSAGE_BYTES_MAX, () => {
    const message = packetfs.ControlMessage.decode(bytes);
    if (message.hello) return validateHello(message.hello);
    if (message.members) return validateMembers(message.members);
    if (message.positions) return validatePositions(message.positions);
    if (message.ask) return validateAsk(message.ask);
    if (message.askOperations) return validateAskOperations(message.askOperations);
    if (message.unavailable) return validateUnavailable(message.unavailable);
    if (message.recipeAnswer) return validateRecipeAnswer(message.recipeAnswer);
    throw new Malformed('is of no known kind');
  });
}

function validateHello(hello: packetfs.Hello.$Properties): ControlMessage {
  const versions = hello.versions ?? [];
  check(versions.length >= 1 && versions.length <= 16, 'hello lists 1 to 16 versions');
  const mode = keyOf(MODES, hello.mode, 'hello has a mode');
  return { kind: 'hello', versions, mode, recipes: hello.recipes ?? false };
}

function validateMembers(members: packetfs.Members.$Properties): ControlMessage {
  const entries = members.entries ?? [];
  check(entries.length <= PEERS_MAX, 'the member list is within PEERS_MAX');
  for (const entry of entries) check(entry.length <= MEMBER_ENTRY_BYTES_MAX, 'a member entry is short');
  return { kind: 'members', entries: entries.map((entry) => Uint8Array.from(entry)) };
}

function validatePositions(positions: packetfs.Positions.$Properties): ControlMessage {
  const confirmedLogs = positions.confirmedLogs ?? 0;
  check(confirmedLogs <= LOGS_MAX, 'confirmed logs are within LOGS_MAX');
  const entries = positions.logs ?? [];
  check(entries.length <= LOGS_MAX, 'positions name at most LOGS_MAX logs');
  const logs = entries.map((entry) => ({
    log: validateReference(entry.log),
    applied: sequenceOf(entry.applied),
    held: validateRanges(entry.held, POSITION_RANGES_MAX),
  }));
  const { complete, seeded } = positions;
  return { kind: 'positions', logs, confirmedLogs, complete: complete ?? false, seeded: seeded ?? false };
}

function validateAsk(ask: packetfs.Ask.$Properties): ControlMessage {
  const ranges = validateRanges(ask.ranges, ASK_RANGES_MAX);
  check(ranges.length > 0, 'an ask names ranges');
  return {
    kind: 'ask',
    id: identifierOf(ask.id),
    log: validateReference(ask.log),
    ranges,
    reason: keyOf(REASONS, ask.reason, 'an ask has a reason'),
    blocksReceived: safeNumber(ask.blocksReceived, 'blocks received'),
  };
}

function validateAskOperations(ask: packetfs.AskOperations.$Properties): ControlMessage {
  const from = sequenceOf(ask.from);
  check(from >= 1n, 'operations are asked for from sequence 1 on');
  return { kind: 'ask-operations', id: identifierOf(ask.id), log: validateReference(ask.log), from };
}

function validateUnavailable(unavailable: packetfs.Unavailable.$Properties): ControlMessage {
  return {
    kind: 'unavailable',
    ask: identifierOf(unavailable.ask),
    ranges: validateRanges(unavailable.ranges, ASK_RANGES_MAX),
  };
}

function validateRecipeAnswer(answer: packetfs.RecipeAnswer.$Properties): ControlMessage {
  const range = validateBlockRange(answer.start, answer.length);
  const missing = validateRanges(answer.missing, RECIPE_CHUNKS_MAX);
  const isWithin = missing.every(({ start, end }) => start >= range.start && end <= range.end);
  check(isWithin, 'what a recipe misses lies within it');
  return { kind: 'recipe-answer', log: validateReference(answer.log), range, missing };
}

// ---- operations ------------------------------------------------------------------------------------------------------

/** One message of several batches, compressed where that is smaller. */
export function encodeOperations(batches: readonly Uint8Array[], compression: Compression): Uint8Array {
  const group = packetfs.BatchGroup.encode({ batches: [...batches] }).finish();
  if (group.length >= COMPRESSION_BYTES_MIN) {
    const frame = compression.compress(group, COMPRESSION_LEVEL);
    if (frame.length < group.length) {
      return packetfs.OperationsMessage.encode({ rawBytes: group.length, batchGroup: frame }).finish();
    }
  }
  return packetfs.OperationsMessage.encode({ rawBytes: 0, batchGroup: group }).finish();
}

export function decodeOperations(bytes: Uint8Array, compression: Compression): Decoded<readonly Uint8Array[]> {
  return guarded('operations message', bytes, MESSAGE_BYTES_MAX, () => {
    const message = packetfs.OperationsMessage.decode(bytes);
    const body = message.batchGroup ?? new Uint8Array(0);
    const rawBytes = message.rawBytes ?? 0;
    check(rawBytes <= OPERATIONS_MESSAGE_BYTES_MAX, 'it unpacks to no more than OPERATIONS_MESSAGE_BYTES_MAX');
    const group = rawBytes === 0 ? Uint8Array.from(body) : compression.decompress(body, rawBytes);
    const batches = packetfs.BatchGroup.decode(group).batches ?? [];
    check(batches.length > 0, 'it holds a batch');
    return batches;
  });
}

// ---- blocks ----------------------------------------------------------------------------------------------------------

export function encodeBlockHeader(header: WireBlockHeader): Uint8Array {
  return packetfs.BlockHeader.encode({
    log: referenceProperties(header.log),
    start: Long.fromNumber(header.start, true),
    length: Long.fromNumber(header.end - header.start, true),
    ask: Long.fromNumber(header.ask, true),
    recipe: header.recipe,
  }).finish();
}

export function decodeBlockHeader(bytes: Uint8Array): Decoded<WireBlockHeader> {
  return guarded('block header', bytes, HEADER_BYTES_MAX, () => {
    const header = packetfs.BlockHeader.decode(bytes);
    const { start, end } = validateBlockRange(header.start, header.length);
    const ask = safeNumber(header.ask, 'ask');
    const recipe = header.recipe ?? false;
    check(!recipe || ask === 0, 'no ask is answered with a recipe');
    return { log: validateReference(header.log), start, end, ask, recipe };
  });
}

function validateBlockRange(startValue: Long | null | undefined, lengthValue: Long | null | undefined): WireRange {
  const start = safeNumber(startValue, 'start');
  const length = safeNumber(lengthValue, 'length');
  check(length > 0 && length <= LITERAL_RAW_BYTES_MAX, 'a literal holds 1 … LITERAL_RAW_BYTES_MAX bytes');
  check(start + length <= POSITION_END, 'a literal lies within its log');
  return { start: logPosition(start), end: logPosition(start + length) };
}

// ---- shared ----------------------------------------------------------------------------------------------------------

class Malformed extends Error {}

function check(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Malformed(`breaks the rule: ${rule}`);
}

/** protobufjs and zstd report malformed input by throwing; past this point it is a result. */
function guarded<Value>(what: string, bytes: Uint8Array, lengthMax: number, decode: () => Value): Decoded<Value> {
  if (bytes.length > lengthMax) return { ok: false, reason: `${what} is longer than ${lengthMax} bytes` };
  try {
    return { ok: true, value: decode() };
  } catch (error) {
    return { ok: false, reason: `${what} ${error instanceof Error ? error.message : String(error)}` };
  }
}

function referenceProperties(reference: WireLogReference): packetfs.LogReference.$Properties {
  if (reference.name === undefined) return { index: reference.index };
  return { index: reference.index, name: { node: reference.name.node, epoch: reference.name.epoch } };
}

function validateReference(reference: packetfs.LogReference.$Properties | null | undefined): WireLogReference {
  const index = reference?.index ?? 0;
  check(index >= 1 && index <= LOGS_MAX, 'a log index is 1 … LOGS_MAX');
  const name = reference?.name;
  if (!name) return { index, name: undefined };
  const node = name.node ?? new Uint8Array(0);
  const epoch = name.epoch ?? 0;
  check(node.length === 32, 'a node key has 32 bytes');
  check(epoch >= 1, 'an epoch is at least 1');
  return { index, name: { node: Uint8Array.from(node), epoch } };
}

function rangesProperties(ranges: readonly WireRange[]): packetfs.PositionRanges.$Properties {
  const gapAndLength: Long[] = [];
  let previousEnd = 0;
  for (const range of ranges) {
    gapAndLength.push(Long.fromNumber(range.start - previousEnd, true), Long.fromNumber(range.end - range.start, true));
    previousEnd = range.end;
  }
  return { gapAndLength };
}

function validateRanges(
  properties: packetfs.PositionRanges.$Properties | null | undefined,
  countMax: number,
): readonly WireRange[] {
  const numbers = properties?.gapAndLength ?? [];
  check(numbers.length % 2 === 0, 'ranges come as pairs');
  check(numbers.length / 2 <= countMax, `at most ${countMax} ranges`);
  const ranges: WireRange[] = [];
  let position = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const start = position + safeNumber(numbers[index], 'gap');
    const length = safeNumber(numbers[index + 1], 'length');
    check(length > 0, 'a range is not empty');
    check(start + length <= POSITION_END, 'a range lies within its log');
    position = start + length;
    ranges.push({ start: logPosition(start), end: logPosition(position) });
  }
  return ranges;
}

function safeNumber(value: Long | null | undefined, name: string): number {
  if (!value) return 0;
  const result = value.toUnsigned().toNumber();
  check(Number.isSafeInteger(result), `${name} is a safe integer`);
  return result;
}

function identifierOf(value: Long | null | undefined): number {
  const id = safeNumber(value, 'id');
  check(id >= 1, 'an ask has an id from 1 on');
  return id;
}

const sequenceOf = (value: Long | null | undefined): bigint => (value ? value.toUnsigned().toBigInt() : 0n);

function keyOf<Key extends string>(table: Readonly<Record<Key, number>>, value: unknown, rule: string): Key {
  for (const key of Object.keys(table) as Key[]) if (table[key] === value) return key;
  throw new Malformed(`breaks the rule: ${rule}`);
}
