import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Outcome, runJob } from '../../support/test-job.ts';

const CLOSING = (total: number, passed: number): string =>
  `\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   0\n`;

const runScript = (script: string, limitMs = 20_000): Promise<Outcome> =>
  runJob({ name: 'job', command: process.execPath, arguments: ['-e', script], limitMs });

const print = (text: string): string => `process.stdout.write(${JSON.stringify(text)});`;

test('a process that ends well counts what it says', async () => {
  const { passed, failed, problem } = await runScript(print(CLOSING(3, 3)));
  assert.equal([passed, failed, problem], [3, 0, undefined]);
});

test('a test that failed is counted although the exit code says nothing', async () => {
  const { passed, failed } = await runScript(print(CLOSING(3, 2)));
  assert.equal([passed, failed], [2, 1]);
});

test('an empty suite fails', async () => {
  assert.equal((await runScript(print(CLOSING(0, 0)))).problem, 'no test ran');
  assert.is((await runScript('')).failed, 1);
});

test('a crash after the last test fails', async () => {
  const { failed, problem } = await runScript(`${print(CLOSING(3, 3))} process.kill(process.pid, 'SIGSEGV');`);
  assert.equal([failed, problem], [1, 'SIGSEGV']);
});

test('a process that hangs is ended with its children, and fails', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'job-')), 'alive');
  writeFileSync(`${file}.js`, `setTimeout(() => require('fs').writeFileSync(${JSON.stringify(file)}, ''), 3000);`);
  const child = `require('child_process').spawn(process.execPath, [${JSON.stringify(`${file}.js`)}]);`;
  const { failed, problem } = await runScript(`${child} setInterval(() => {}, 1000);`, 1000);
  assert.is(failed, 1);
  assert.match(problem ?? '', 'no end after 1 s');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  assert.not.ok(existsSync(file));
});

test('what a job leaves in its temporary directory is removed', async () => {
  const { output } = await runScript(
    `const { mkdtempSync } = require('fs'); process.stdout.write(mkdtempSync(process.env.TMPDIR + '/left-'));`,
  );
  assert.ok(output.includes('/left-'));
  assert.not.ok(existsSync(output));
});

test.run();
