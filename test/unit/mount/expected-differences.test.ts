import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { POSIX_DIFFERENCES } from '../../../mount/expected-differences.ts';

const document = readFileSync(new URL('../../../docs/POSIX.md', import.meta.url), 'utf8');

test('users read every difference to ext4, and there are at most ten', () => {
  assert.ok(POSIX_DIFFERENCES.length <= 10);
  const listed = document
    .split('\n')
    .filter((line) => /^\| [a-z0-9-]+ \|/.test(line) && !line.startsWith('| difference'));
  assert.equal(
    listed,
    POSIX_DIFFERENCES.map(({ id, consequence }) => `| ${id} | ${consequence} |`),
  );
});

test.run();
