// The table of errno: every code has one, and it is Linux's.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EIO, errnoOf, errnoOfCode } from '../../../mount/errno.ts';
import { type ErrorCode, PacketFsError } from '../../../src/base/errors.ts';

const errno = suite('errno');

errno('every code of src/base/errors.ts has a positive errno', () => {
  const source = readFileSync(new URL('../../../src/base/errors.ts', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/\| '(PFS_\w+)'/g)].map((match) => match[1] as ErrorCode);
  assert.ok(codes.length > 20);
  for (const code of codes) assert.ok(errnoOfCode(code) > 0, code);
});

errno('filesystem outcomes are what the system calls document', () => {
  const expected: [ErrorCode, number][] = [
    ['PFS_NO_ENTRY', 2],
    ['PFS_ACCESS_DENIED', 13],
    ['PFS_EXISTS', 17],
    ['PFS_NOT_EMPTY', 39],
    ['PFS_NO_ATTRIBUTE', 61],
    ['PFS_NOT_SUPPORTED', 95],
    ['PFS_STALE', 116],
    ['PFS_NO_SPACE', 28],
    ['PFS_READ_ONLY', 30],
  ];
  for (const [code, value] of expected) assert.is(errnoOf(new PacketFsError(code, 'sentence')), value, code);
});

errno('a native error keeps its own errno, anything else is EIO', () => {
  assert.is(errnoOf(Object.assign(new Error('no space'), { errno: 28 })), 28);
  assert.is(errnoOf(Object.assign(new Error('node style'), { errno: -2 })), EIO);
  assert.is(errnoOf(new TypeError('a bug')), EIO);
  assert.is(errnoOf('thrown text'), EIO);
});

errno.run();
