// Packets sealed and opened in batches, against node:crypto, and every way not to be authentic.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { AeadSuite } from '../../../src/addon/native.ts';

const TAG_BYTES = 16;
const SUITES: readonly AeadSuite[] = native.capabilities().aesGcm
  ? ['aes-256-gcm', 'chacha20-poly1305']
  : ['chacha20-poly1305'];

interface Batch {
  readonly bytes: Uint8Array;
  readonly packets: Uint32Array;
  readonly numbers: BigUint64Array;
  readonly plain: readonly { readonly header: Buffer; readonly body: Buffer }[];
}

function makeBatch(sizes: readonly (readonly [header: number, body: number])[]): Batch {
  const gap = 3; // packets need not be aligned
  const plain = sizes.map(([header, body]) => ({ header: randomBytes(header), body: randomBytes(body) }));
  const parts: Buffer[] = [];
  const packets: number[] = [];
  let offset = 0;
  for (const { header, body } of plain) {
    parts.push(Buffer.alloc(gap), header, body, Buffer.alloc(TAG_BYTES));
    packets.push(offset + gap, header.length, body.length);
    offset += gap + header.length + body.length + TAG_BYTES;
  }
  const numbers = new BigUint64Array(sizes.map((_, index) => 2n ** 40n + BigInt(index)));
  return { bytes: new Uint8Array(Buffer.concat(parts)), packets: new Uint32Array(packets), numbers, plain };
}

function nonceOf(number: bigint): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(number);
  return nonce;
}

const SIZES: readonly (readonly [number, number])[] = [
  [16, 1200],
  [16, 0],
  [0, 1],
  [16, 127],
  [40, 65000],
];

const test = suite('aead');

for (const suiteName of SUITES) {
  test(`${suiteName}: node:crypto opens what was sealed`, () => {
    const key = randomBytes(32);
    const batch = makeBatch(SIZES);
    const aead = native.createAead(suiteName, key);
    aead.seal(batch.bytes, batch.packets, batch.numbers);
    aead.destroy();
    for (const [index, { header, body }] of batch.plain.entries()) {
      const start = batch.packets[index * 3] ?? 0;
      const sealed = Buffer.from(batch.bytes).subarray(start, start + header.length + body.length + TAG_BYTES);
      const nonce = nonceOf(batch.numbers[index] ?? 0n);
      const options = { authTagLength: TAG_BYTES } as const;
      const opener =
        suiteName === 'aes-256-gcm'
          ? createDecipheriv('aes-256-gcm', key, nonce, options)
          : createDecipheriv('chacha20-poly1305', key, nonce, options);
      opener.setAAD(header, { plaintextLength: body.length });
      opener.setAuthTag(sealed.subarray(-TAG_BYTES));
      const opened = Buffer.concat([
        opener.update(sealed.subarray(header.length, header.length + body.length)),
        opener.final(),
      ]);
      assert.ok(sealed.subarray(0, header.length).equals(header), 'the header stays as it is');
      assert.ok(opened.equals(body));
    }
  });

  test(`${suiteName}: what node:crypto sealed is opened`, () => {
    const key = randomBytes(32);
    const [header, body] = [randomBytes(16), randomBytes(1000)];
    const options = { authTagLength: TAG_BYTES } as const;
    const sealer =
      suiteName === 'aes-256-gcm'
        ? createCipheriv('aes-256-gcm', key, nonceOf(77n), options)
        : createCipheriv('chacha20-poly1305', key, nonceOf(77n), options);
    sealer.setAAD(header, { plaintextLength: body.length });
    const bytes = new Uint8Array(Buffer.concat([header, sealer.update(body), sealer.final(), sealer.getAuthTag()]));
    const aead = native.createAead(suiteName, key);
    assert.equal([...aead.open(bytes, new Uint32Array([0, 16, 1000]), new BigUint64Array([77n]))], [1]);
    assert.ok(Buffer.from(bytes.subarray(16, 1016)).equals(body));
  });

  test(`${suiteName}: a changed header, body, tag, number or key is not authentic, its neighbours are`, () => {
    const key = randomBytes(32);
    const changes: readonly ((batch: Batch) => void)[] = [
      ({ bytes, packets }) => flip(bytes, packets[3] ?? 0),
      ({ bytes, packets }) => flip(bytes, (packets[3] ?? 0) + 16),
      ({ bytes, packets }) => flip(bytes, (packets[3] ?? 0) + 16 + 500 + 15),
      ({ numbers }) => numbers.set([(numbers[1] ?? 0n) ^ 1n], 1),
    ];
    for (const change of changes) {
      const batch = makeBatch([
        [16, 500],
        [16, 500],
        [16, 500],
      ]);
      native.createAead(suiteName, key).seal(batch.bytes, batch.packets, batch.numbers);
      change(batch);
      const authentic = native.createAead(suiteName, key).open(batch.bytes, batch.packets, batch.numbers);
      assert.equal([...authentic], [1, 0, 1]);
    }
    const batch = makeBatch([[16, 500]]);
    native.createAead(suiteName, key).seal(batch.bytes, batch.packets, batch.numbers);
    const stranger = native.createAead(suiteName, randomBytes(32));
    assert.equal([...stranger.open(batch.bytes, batch.packets, batch.numbers)], [0]);
  });
}

function flip(bytes: Uint8Array, index: number): void {
  bytes[index] = (bytes[index] ?? 0) ^ 0x80;
}

test('a destroyed key neither seals nor opens', () => {
  const aead = native.createAead('chacha20-poly1305', randomBytes(32));
  aead.destroy();
  aead.destroy();
  const call = () => aead.seal(new Uint8Array(32), new Uint32Array([0, 8, 8]), new BigUint64Array([0n]));
  assert.throws(call, /the key has been destroyed/);
});

test('packets that do not lie within the bytes are refused before any byte changes', () => {
  const aead = native.createAead('chacha20-poly1305', randomBytes(32));
  const bytes = new Uint8Array(64);
  const numbers = new BigUint64Array([0n, 1n]);
  for (const last of [
    [32, 8, 9],
    [0xffffffff, 1, 1],
    [0, 0xffffffff, 0xffffffff],
  ]) {
    assert.throws(() => aead.seal(bytes, new Uint32Array([0, 8, 8, ...last]), numbers), /must lie within bytes/);
  }
  assert.throws(() => aead.seal(bytes, new Uint32Array([0, 8, 8]), numbers), /three numbers/);
  assert.ok(native.isZero(bytes));
});

test('an unknown suite and a short key are refused', () => {
  assert.throws(() => Reflect.apply(native.createAead, undefined, ['rot13', randomBytes(32)]), /suite is unknown/);
  assert.throws(() => native.createAead('chacha20-poly1305', randomBytes(31)), /key must have 32 bytes/);
});

test.run();
