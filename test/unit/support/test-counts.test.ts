import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countTests } from '../../support/test-counts.ts';

test('a uvu table counts what did not pass as failed, also when a hook threw', () => {
  const output = '\n  Total:     5\n  Passed:    3\n  Skipped:   1\n  Duration:  1.00ms\n\n';
  assert.equal(countTests(output), { passed: 3, failed: 2, skipped: 1 });
});

test('every closing line of an output is added up', () => {
  assert.equal(countTests('12 passed, 1 failed\nnoise\n3 passed, 0 failed, 2 skipped\n'), {
    passed: 15,
    failed: 1,
    skipped: 2,
  });
});

test('an output without a closing line has no counts', () => {
  assert.is(countTests('all 5 passed, I think\n'), undefined);
});

test.run();
