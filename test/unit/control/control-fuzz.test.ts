// Lines on the control socket, mutated and cut into pieces: a request or an answer of the right shape, or none.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineReader, parseAnswer, parseRequest } from '../../../src/control/messages.ts';
import { isControlMethod } from '../../../src/control/methods.ts';
import { fuzz, mutatedText } from '../../support/mutations.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('mutated control lines');

const LINES = [
  '{"method":"status","parameters":{}}',
  '{"method":"sync","parameters":{"to":"ab12","timeoutSeconds":30}}',
  '{"result":{"logs":[1,2,{"a":null}]}}',
  '{"error":{"code":"PFS_IO","message":"…"}}',
];

test('requests and answers', () => {
  fuzz({
    samples: LINES.map((line) => Buffer.from(line)),
    rounds: 50_000,
    check: (bytes) => {
      const line = Buffer.from(bytes).toString('utf8');
      const request = parseRequest(line);
      if (request !== undefined) {
        assert.ok(isControlMethod(request.method));
        assert.is(Object.getPrototypeOf(request.parameters), Object.prototype);
      }
      const answer = parseAnswer(line);
      if (answer !== undefined && 'error' in answer) {
        assert.type(answer.error.code, 'string');
        assert.type(answer.error.message, 'string');
      }
    },
  });
});

test('a line is the same whatever pieces it comes in, and nothing behind it is part of it', () => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 5000; round++) {
    const text = mutatedText(LINES, random).replaceAll('\n', ' ');
    const bytes = Buffer.from(`${text}\n${LINES[0]}\n`);
    const reader = new LineReader();
    let line: string | undefined;
    for (let at = 0; at < bytes.length && line === undefined; ) {
      const end = Math.min(bytes.length, at + 1 + random.below(40));
      line = reader.push(bytes.subarray(at, end));
      at = end;
    }
    assert.is(line, text);
  }
});

test.run();
