// The filesystem stressors of stress-ng with their verification on the mount and on libfuse's passthrough beside it: none
// fails on the mount that does not fail there.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compilePassthroughLow } from '../../../../bench/mount/programs.ts';
import { isMounted } from '../../../support/mounts.ts';
import { run, runChecked, waitFor } from '../../../support/process.ts';
import { withNode } from '../../../support/with-node.ts';

const SECONDS_OF_STRESSOR = 5;
const LIMIT_MS = 1_200_000;
/** stress-ng's exit codes: all went well; some were skipped, because the kernel or the filesystem has not what they test. */
const FINE = new Set([0, 3]);

const test = suite('stress-ng');

interface Stressed {
  readonly failed: ReadonlySet<string>;
  readonly passed: number;
  readonly output: string;
}

async function stress(directory: string): Promise<Stressed> {
  const { code, stdout, stderr } = await run(
    'stress-ng',
    [
      ...['--class', 'filesystem', '--sequential', '1', '--timeout', String(SECONDS_OF_STRESSOR)],
      ...['--verify', '--metrics', '--temp-path', directory],
    ],
    { directory, limitMs: LIMIT_MS },
  );
  const output = stdout + stderr;
  const failures = output.matchAll(/ fail: +\[\d+\] (?:stress-ng-)?([\w-]+):/g);
  const failed = new Set([...failures].map(([, name = '']) => name));
  if (!FINE.has(code ?? -1) && failed.size === 0) throw new Error(`stress-ng ended with ${code}:\n${output}`);
  const passed = [...output.matchAll(/ metrc: +\[\d+\] [\w-]+ +\d+ /g)].length;
  return { failed, passed, output };
}

async function startPassthrough(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'passthrough-'));
  const [stored, mount] = [join(directory, 'stored'), join(directory, 'mount')];
  for (const path of [stored, mount]) mkdirSync(path);
  const program = await compilePassthroughLow(directory);
  await runChecked(program, ['-o', `source=${stored},cache=auto,allow_other`, mount]);
  await waitFor('the passthrough mount', () => (isMounted(mount) ? true : undefined));
  return mount;
}

test(
  'no stressor fails on the mount that does not fail on a passthrough mount',
  withNode(async (node) => {
    const directory = node.at('stress');
    mkdirSync(directory);
    const here = await stress(directory);
    const passthrough = await startPassthrough();
    const there = await stress(passthrough);
    await runChecked('umount', [passthrough]);
    assert.ok(here.passed > 25, `only ${here.passed} stressors ran:\n${here.output}`);
    const surprises = [...here.failed].filter((name) => !there.failed.has(name));
    assert.equal(surprises, [], here.output);
  }),
);

test.run();
