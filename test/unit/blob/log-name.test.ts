import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logNameText, parseLogName } from '../../../src/blob/log-name.ts';

const test = suite('blob/log-name');
const node = new Uint8Array(32).map((_, index) => index * 7);

test('a name survives the way through text', () => {
  for (const epoch of [1, 2, 4_294_967_295]) {
    assert.equal(parseLogName(logNameText({ node, epoch })), { node, epoch });
  }
});

test('what is not a log name is told apart', () => {
  const hex = Buffer.from(node).toString('hex');
  for (const text of ['', hex, `${hex}-0`, `${hex}-01`, `${hex}-4294967296`, `${hex.slice(1)}-1`, `${hex}-1/..`]) {
    assert.is(parseLogName(text), undefined, text);
  }
  assert.is(parseLogName(`${hex.toUpperCase()}-1`), undefined);
});

test('an impossible name is a bug', () => {
  assert.throws(() => logNameText({ node: new Uint8Array(31), epoch: 1 }));
  assert.throws(() => logNameText({ node, epoch: 0 }));
});

test.run();
