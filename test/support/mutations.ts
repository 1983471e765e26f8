// Inputs for decoders that look almost valid: an encoding with a few changes of the kinds that break decoders (bits,
// lengths, ends, pieces of another encoding). Drawn from a seeded random, so that PFS_SEED repeats a run.
import { type SeededRandom, seededRandom, seedOfRun } from './seeded-random.ts';

const CHANGES_MAX = 4;
const GROWTH_BYTES_MAX = 64;
/** What length fields, counts and offsets are set to. */
const INTERESTING = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

/** A copy of one of the samples, changed in one to four places; may be as it was, where changes undo each other. */
export function mutated(samples: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  let bytes: Buffer = Buffer.from(pick(samples, random));
  for (let count = 1 + random.below(CHANGES_MAX); count > 0; count--) bytes = change(bytes, samples, random);
  return Uint8Array.from(bytes);
}

/** The same of the same length, in place. */
export function mutateInPlace(bytes: Uint8Array, random: SeededRandom): void {
  const changed = mutated([bytes], random).subarray(0, bytes.length);
  bytes.set(changed);
}

/** The same of texts: changed as UTF-8, so that what is no UTF-8 comes as U+FFFD. */
export function mutatedText(samples: readonly string[], random: SeededRandom): string {
  return Buffer.from(
    mutated(
      samples.map((sample) => Buffer.from(sample)),
      random,
    ),
  ).toString('utf8');
}

export interface FuzzOptions {
  readonly samples: readonly Uint8Array[];
  readonly rounds: number;
  /** Throws when what must hold of an input does not. */
  readonly check: (bytes: Uint8Array) => void;
}

/** Every sample as it is, then mutations of them; a failure names the input. */
export function fuzz({ samples, rounds, check }: FuzzOptions): void {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < samples.length + rounds; round++) {
    const bytes = samples[round] ?? mutated(samples, random);
    try {
      check(bytes);
    } catch (error) {
      console.log(`failing input: ${Buffer.from(bytes).toString('hex')}`);
      throw error;
    }
  }
}

function pick<Value>(values: readonly Value[], random: SeededRandom): Value {
  const value = values[random.below(values.length)];
  if (value === undefined) throw new Error('there is something to pick from');
  return value;
}

const CHANGES: readonly ((bytes: Buffer, samples: readonly Uint8Array[], random: SeededRandom) => Buffer)[] = [
  flipBit,
  setNumber,
  truncate,
  extend,
  removePiece,
  repeatPiece,
  splice,
];

function change(bytes: Buffer, samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  return bytes.length === 0 ? extend(bytes, samples, random) : pick(CHANGES, random)(bytes, samples, random);
}

function flipBit(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const at = random.below(bytes.length);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.below(8)), at);
  return bytes;
}

/** As a little-endian or a varint length field has it, one more or less than it was, or at an edge. */
function setNumber(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const at = random.below(bytes.length);
  if (random.below(3) === 0) {
    bytes.writeUInt8((bytes.readUInt8(at) + (random.below(2) === 0 ? 1 : 255)) & 0xff, at);
    return bytes;
  }
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(pick(INTERESTING, random));
  number.copy(bytes, at, 0, pick([1, 2, 3, 4, 6, 8], random));
  return bytes;
}

function truncate(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  return bytes.subarray(0, random.below(bytes.length));
}

function extend(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  return Buffer.concat([bytes, random.bytes(1 + random.below(GROWTH_BYTES_MAX))]);
}

function removePiece(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const start = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(8))]);
}

function repeatPiece(bytes: Buffer, _samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const start = random.below(bytes.length);
  const end = Math.min(bytes.length, start + 1 + random.below(GROWTH_BYTES_MAX));
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
}

/** The front of this one, the end of another. */
function splice(bytes: Buffer, samples: readonly Uint8Array[], random: SeededRandom): Buffer {
  const other = pick(samples, random);
  return Buffer.concat([bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length + 1))]);
}
