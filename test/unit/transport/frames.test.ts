// Frames: what is written is read back; what is malformed never reaches the sink as something else, and never throws.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FRAME_PING,
  FrameReader,
  type FrameSink,
  LIMIT_OPERATIONS,
  writeAcknowledgement,
  writeChunkHeader,
  writeClose,
  writeLimit,
  writeStreamHeader,
} from '../../../src/transport/frames.ts';
import { RangeSet } from '../../../src/transport/range-set.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('frames');

interface Recorder extends FrameSink {
  readonly frames: unknown[];
}

const recorder = (): Recorder => {
  const frames: unknown[] = [];
  const record = (...frame: unknown[]): boolean => {
    frames.push(frame);
    return true;
  };
  return {
    frames,
    onAcknowledgement: ({ ranges, rangeCount, delayMs }) =>
      record('ack', [...ranges.subarray(0, 2 * rangeCount)], delayMs),
    onLimit: (kind, limit) => record('limit', kind, limit),
    onStream: (channel, offset, data) => record('stream', channel, offset, [...data]),
    onChunk: (chunk, data) => record('chunk', { ...chunk }, [...data]),
    onClose: (reason) => record('close', reason),
  };
};

test('every frame is read back as it was written', () => {
  const bytes = new Uint8Array(1200);
  const ranges = new RangeSet();
  ranges.add(3, 9);
  ranges.add(20, 21);
  ranges.add(2 ** 33, 2 ** 33 + 400);
  let at = writeAcknowledgement(bytes, { at: 0, end: 1200 }, ranges, 12.5);
  at = writeLimit(bytes, at, LIMIT_OPERATIONS, 2 ** 40 + 3);
  bytes[at++] = FRAME_PING;
  at = writeChunkHeader(bytes, at, { id: 2 ** 32 - 1, total: 2 ** 23, offset: 2 ** 22 + 1 });
  bytes.set([1, 2, 3], at);
  const sink = recorder();
  assert.is(new FrameReader().read(bytes, 0, at + 3, sink), 'eliciting');
  assert.equal(sink.frames, [
    ['ack', [2 ** 33, 2 ** 33 + 399, 20, 20, 3, 8], 12.5],
    ['limit', LIMIT_OPERATIONS, 2 ** 40 + 3],
    ['chunk', { id: 2 ** 32 - 1, total: 2 ** 23, offset: 2 ** 22 + 1 }, [1, 2, 3]],
  ]);
});

test('stream and close frames are read back', () => {
  const bytes = new Uint8Array(300);
  const start = writeStreamHeader(bytes, 0, 'operations', 2 ** 47);
  bytes.set([9, 8], start);
  const stream = recorder();
  assert.is(new FrameReader().read(bytes, 0, start + 2, stream), 'eliciting');
  assert.equal(stream.frames, [['stream', 'operations', 2 ** 47, [9, 8]]]);
  const close = recorder();
  assert.is(new FrameReader().read(bytes, 0, writeClose(bytes, 0, 'grüß dich'), close), 'silent');
  assert.equal(close.frames, [['close', 'grüß dich']]);
});

test('a reason that is too long is cut, not refused', () => {
  const bytes = new Uint8Array(1200);
  const sink = recorder();
  assert.is(new FrameReader().read(bytes, 0, writeClose(bytes, 0, 'x'.repeat(1000)), sink), 'silent');
  assert.equal(sink.frames, [['close', 'x'.repeat(128)]]);
});

test('an acknowledgement keeps to its space and tells the newest ranges', () => {
  const bytes = new Uint8Array(100);
  const ranges = new RangeSet();
  for (let number = 0; number < 500; number++) ranges.add(number * 300, number * 300 + 2);
  const end = writeAcknowledgement(bytes, { at: 10, end: 60 }, ranges, 0);
  assert.ok(end <= 60);
  const sink = recorder();
  assert.is(new FrameReader().read(bytes, 10, end, sink), 'silent');
  const [[, list]] = sink.frames as [[string, number[]]];
  assert.equal(list.slice(0, 4), [499 * 300, 499 * 300 + 1, 498 * 300, 498 * 300 + 1]);
});

test('truncated, empty and unknown frames are malformed', () => {
  const bytes = new Uint8Array(1200);
  const ranges = new RangeSet();
  ranges.add(2 ** 20, 2 ** 20 + 5);
  const written = [
    writeAcknowledgement(bytes, { at: 0, end: 1200 }, ranges, 3),
    writeLimit(bytes, 100, LIMIT_OPERATIONS, 5) - 100,
    writeStreamHeader(bytes, 200, 'control', 5) - 200,
    writeChunkHeader(bytes, 300, { id: 1, total: 2, offset: 0 }) - 300,
    writeClose(bytes, 400, 'bye') - 400,
  ];
  for (const [index, length] of written.entries()) {
    for (let cut = 1; cut < length; cut++) {
      assert.is(new FrameReader().read(bytes, 100 * index, 100 * index + cut, recorder()), 'malformed');
    }
  }
  assert.is(new FrameReader().read(bytes, 0, 0, recorder()), 'malformed');
  assert.is(new FrameReader().read(Uint8Array.of(0x77), 0, 1, recorder()), 'malformed');
  assert.is(new FrameReader().read(Uint8Array.of(0, 0, 1), 0, 3, recorder()), 'malformed', 'padding is the last');
});

test('random bytes never throw, and what they acknowledge is ordered', () => {
  const random = seededRandom(seedOfRun());
  const reader = new FrameReader();
  for (let round = 0; round < 100_000; round++) {
    const bytes = random.bytes(1 + random.below(40));
    if (random.unit() < 0.5) bytes[0] = 2;
    const sink: FrameSink = {
      ...recorder(),
      onAcknowledgement: ({ ranges, rangeCount }) => {
        for (let index = 0; index < rangeCount; index++) {
          const [low = -1, high = -1] = ranges.subarray(2 * index, 2 * index + 2);
          assert.ok(low >= 0 && low <= high);
          if (index > 0) assert.ok(high < (ranges[2 * index - 2] ?? 0) - 1);
        }
        return true;
      },
    };
    reader.read(bytes, 0, bytes.length, sink);
  }
});

test.run();
