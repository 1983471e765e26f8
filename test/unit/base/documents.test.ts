import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REMEDIES } from '../../../src/volume/check/findings.ts';
import { LIMITS_DOCUMENT, renderLimits } from '../../support/limits-document.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('docs/LIMITS.md says what src/base/limits.ts says (`make format` writes it)', () => {
  assert.is(readFileSync(LIMITS_DOCUMENT, 'utf8'), renderLimits());
});

test('docs/ERRORS.md lists every code once, with when it comes, and no other', () => {
  const codes = [...read('src/base/errors.ts').matchAll(/\| '(PFS_\w+)'/g)].map(([, code]) => code);
  const rows = [...read('docs/ERRORS.md').matchAll(/^\| `(PFS_\w+)` \|(.+)\|$/gm)];
  assert.equal(rows.map(([, code]) => code).sort(), codes.sort());
  for (const [row, , meaning = ''] of rows) assert.ok(meaning.trim().length > 20, row);
});

test('docs/ERRORS.md lists every finding of a check once, and no other', () => {
  const rows = [...read('docs/ERRORS.md').matchAll(/^\| `([a-z]+(?:-[a-z]+)+)` \|(.+)\|$/gm)];
  assert.equal(rows.map(([, code]) => code).sort(), Object.keys(REMEDIES).sort());
});

test.run();
