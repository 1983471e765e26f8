// Hashing, cutting and compressing through the addon: known answers, agreement with Node's own, and refused arguments.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';

const CHUNKER = { minimum: 8192, maximum: 24576, multiplier: 0x9e3779b1, addend: 7 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What a failed call threw, as the fields that every native error carries. */
function failureOf(call: () => unknown): { errno: unknown; syscall: unknown; message: string } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { errno: Reflect.get(error, 'errno'), syscall: Reflect.get(error, 'syscall'), message: error.message };
  }
  throw new Error('the call did not throw');
}

const test = suite('chunk');

test('BLAKE3 gives the answers of the official test vectors', () => {
  const key = text('whats the Elvish word for friend');
  assert.is(hex(native.blake3(text(''))), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
  assert.is(hex(native.blake3Keyed(key, text(''))), '92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26');
  const context = 'BLAKE3 2019-12-27 16:29:52 test vectors context';
  assert.is(
    hex(native.blake3DeriveKey(context, text(''))),
    '2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d',
  );
});

test('CRC32C gives the known answer and goes on from a seed', () => {
  assert.is(native.crc32c(text('123456789')), 0xe3069283);
  assert.is(native.crc32c(text('6789'), native.crc32c(text('12345'))), 0xe3069283);
});

test('a view into a larger buffer is read where it lies', () => {
  const whole = text('xx123456789xx');
  assert.is(native.crc32c(whole.subarray(2, 11)), 0xe3069283);
});

test('chunks cover the input', () => {
  const bytes = new Uint8Array(100_000).map((_, index) => (index * 2654435761) >>> 13);
  const ends = native.cutAll(CHUNKER, bytes);
  assert.is(ends.at(-1), bytes.length);
  assert.equal([...native.cutAll(CHUNKER, new Uint8Array(0))], []);
});

test('what was compressed comes back; a wrong length or damage is EBADMSG', () => {
  const bytes = text('all work and no play '.repeat(1000));
  const frame = native.compress(bytes, 3);
  assert.ok(frame.length < bytes.length / 10);
  assert.equal(native.decompress(frame, bytes.length), bytes);
  assert.is(failureOf(() => native.decompress(frame, bytes.length - 1)).errno, 74);
  const damaged = frame.slice();
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  assert.is(failureOf(() => native.decompress(damaged, bytes.length)).errno, 74);
});

test('arguments of a wrong type or range are EINVAL and named', () => {
  const wrong: readonly [() => unknown, RegExp][] = [
    [() => Reflect.apply(native.blake3, undefined, ['text']), /bytes must be a Uint8Array/],
    [() => Reflect.apply(native.blake3, undefined, [new Uint16Array(4)]), /bytes must be a Uint8Array/],
    [() => native.blake3Keyed(new Uint8Array(31), text('')), /key must have 32 bytes/],
    [() => native.crc32c(text(''), -1), /seed must be an integer from 0 to 4294967295/],
    [() => native.crc32c(text(''), 0.5), /seed must be an integer/],
    [() => native.compress(text(''), 20), /level must be an integer from 1 to 19/],
    [() => native.decompress(text(''), 2 ** 40), /expectedLength must be an integer/],
    [() => native.cutAll({ ...CHUNKER, multiplier: 2 }, text('')), /multiplier must be odd/],
    [() => native.cutAll({ ...CHUNKER, minimum: 30000 }, text('')), /minimum chunk size must be below/],
    [() => Reflect.apply(native.cutAll, undefined, [undefined, text('')]), /chunker must be an object/],
  ];
  for (const [call, message] of wrong) {
    const failure = failureOf(call);
    assert.is(failure.errno, 22);
    assert.type(failure.syscall, 'string');
    assert.match(failure.message, message);
  }
});

test.run();
