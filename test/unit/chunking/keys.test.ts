import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { CHUNKER_CONTEXT, deriveChunkKeys, IDENTITY_KEY_CONTEXT } from '../../../src/chunking/keys.ts';

const test = suite('chunking/keys');

/** Stands for derive_key where only its use is tested: the addon's own vectors test the function. */
const derive = {
  blake3DeriveKey: (context: string, material: Uint8Array) =>
    new Uint8Array(createHash('sha256').update(context).update(material).digest()),
};
const secret = new Uint8Array(32).fill(7);

test('the same secret gives the same keys, another secret others', () => {
  const keys = deriveChunkKeys(derive, secret);
  assert.equal(deriveChunkKeys(derive, secret), keys);
  assert.not.equal(deriveChunkKeys(derive, new Uint8Array(32).fill(8)), keys);
});

test('identity key and chunker come from contexts of their own', () => {
  assert.is.not(IDENTITY_KEY_CONTEXT, CHUNKER_CONTEXT);
  const keys = deriveChunkKeys(derive, secret);
  assert.equal(keys.identityKey, derive.blake3DeriveKey(IDENTITY_KEY_CONTEXT, secret));
});

test('the multiplier is odd and both words fit 32 bits', () => {
  for (let value = 0; value < 64; value += 1) {
    const { multiplier, addend } = deriveChunkKeys(derive, new Uint8Array(32).fill(value)).chunker;
    assert.is(multiplier % 2, 1);
    for (const word of [multiplier, addend]) assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
  }
});

test('the example of docs/format/blob.md, Keys, is what the addon derives', () => {
  const example = deriveChunkKeys(
    native,
    new Uint8Array(32).map((_, index) => index),
  );
  assert.equal(
    Buffer.from(example.identityKey).toString('hex'),
    '7f152a57eecc76e79620b6e5eb8023cecc4452795ff8206e23cd1354c02d5172',
  );
  assert.equal(example.chunker, { minimum: 8192, maximum: 24576, multiplier: 1_604_090_555, addend: 893_514_878 });
});

test('a secret of another length is a bug', () => {
  assert.throws(() => deriveChunkKeys(derive, new Uint8Array(31)), /32 bytes/);
});

test.run();
