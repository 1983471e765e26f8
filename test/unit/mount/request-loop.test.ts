// The request loop: it takes until there is nothing, looks again by itself for what woke nobody, and gives the event loop
// its turn.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RequestLoop } from '../../../mount/request-loop.ts';

const RECORD = 40;

/** A session that gives the lengths in `waiting` one after the other, then nothing. */
function setUp(waiting: number[], { millisecondsPerBatch = 0 } = {}) {
  const takes: { looksAgain: boolean }[] = [];
  const dispatched: number[] = [];
  const session = {
    take: (_target: Uint8Array, looksAgain: boolean) => {
      takes.push({ looksAgain });
      return waiting.shift() ?? 0;
    },
  };
  const dispatcher = {
    dispatch: (batch: Uint8Array) => {
      dispatched.push(batch.length);
    },
  };
  const monotonicMs = () => dispatched.length * millisecondsPerBatch;
  return { loop: new RequestLoop({ session, dispatcher, monotonicMs }), takes, dispatched };
}

const test = suite('request loop');

test('takes until there is nothing', () => {
  const { loop, takes, dispatched } = setUp([RECORD, 3 * RECORD]);
  loop.run();
  assert.equal(dispatched, [RECORD, 3 * RECORD]);
  assert.is(takes.length, 3);
  loop.end();
});

test('looks again for what woke nobody, then says that it does not', async () => {
  const waiting = [RECORD];
  const { loop, takes, dispatched } = setUp(waiting);
  loop.run();
  assert.is(takes.at(-1)?.looksAgain, true);
  waiting.push(2 * RECORD); // a message that needs no answer
  while (takes.at(-1)?.looksAgain !== false) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(dispatched, [RECORD, 2 * RECORD]);
  loop.end();
});

test('a stream of requests leaves the event loop its turn', async () => {
  const { loop, dispatched } = setUp([RECORD, RECORD, RECORD, RECORD], { millisecondsPerBatch: 0.6 });
  loop.run();
  assert.is(dispatched.length, 2, 'it stops after a millisecond');
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(dispatched.length, 4, 'and goes on by itself');
  loop.end();
});

test('at the end it dispatches what is left and looks no more', () => {
  const { loop, takes, dispatched } = setUp([RECORD]);
  loop.end();
  assert.equal(dispatched, [RECORD]);
  assert.ok(takes.every(({ looksAgain }) => !looksAgain));
});

test('at the end nothing is left for later, however long it takes', () => {
  const { loop, dispatched } = setUp([RECORD, RECORD, RECORD], { millisecondsPerBatch: 5 });
  loop.end();
  assert.equal(dispatched, [RECORD, RECORD, RECORD]);
});

test('what waits is dispatched at once, and what comes after it is not waited for', () => {
  const { loop, dispatched } = setUp([RECORD, 2 * RECORD, RECORD]);
  loop.drain(3 * RECORD);
  assert.equal(dispatched, [RECORD, 2 * RECORD]);
  loop.end();
});

test.run();
