// `pfs check` of a volume that has crashed, before anything recovers it and once it is in use again. After a crash it has
// as little to find as after an orderly stop; what waits in the journal is a note of it, not a finding.
import { rmSync } from 'node:fs';
import type { CheckReportResult } from '../../../src/control/methods.ts';
import { PFS } from '../built-commands.ts';
import { run, runChecked } from '../process.ts';

const FINDING_CHARACTERS_SHOWN = 4000;

/** Reads every byte of a copy at `copy`: to open Level puts its files in order, and that is left to the next mount. */
export async function checkAtRest(stateDirectory: string, copy: string): Promise<void> {
  await runChecked('cp', ['-a', '--sparse=always', stateDirectory, copy]);
  try {
    await check('at rest', ['--state', copy, '--data']);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Records alone: the scrub reads the bytes. */
export const checkInUse = (stateDirectory: string): Promise<void> =>
  check('in use', ['--state', stateDirectory, '--online']);

/** Throws with what was found, or why nothing was looked for. */
async function check(when: string, parameters: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(process.execPath, [PFS, 'check', '--json', ...parameters]);
  if (code === 0) return;
  const found = code === 3 ? findingsOf(stdout) : `${stdout}${stderr}`;
  throw new Error(`the check ${when} ended with ${code}: ${found.slice(0, FINDING_CHARACTERS_SHOWN)}`);
}

function findingsOf(report: string): string {
  const { findingCount, findings } = JSON.parse(report) as CheckReportResult;
  return [`${findingCount} findings`, ...findings.map(({ code, path, detail }) => `${code} ${path}: ${detail}`)].join(
    '\n',
  );
}
