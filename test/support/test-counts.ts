// How many tests ran, read from what a test process printed: uvu's closing table, or the plain line
// `N passed, N failed` that the C++ tests and this project's runner end with.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The sum over every closing table in the output; undefined where there is none. */
export function countTests(output: string): Counts | undefined {
  const found = [...uvuTables(output), ...plainLines(output)];
  if (found.length === 0) return undefined;
  return found.reduce((sum, counts) => ({
    passed: sum.passed + counts.passed,
    failed: sum.failed + counts.failed,
    skipped: sum.skipped + counts.skipped,
  }));
}

function* uvuTables(output: string): Generator<Counts> {
  for (const [, total, passed, skipped] of output.matchAll(
    /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm,
  )) {
    // uvu leaves skipped tests out of its total.
    yield { passed: Number(passed), failed: Number(total) - Number(passed), skipped: Number(skipped) };
  }
}

function* plainLines(output: string): Generator<Counts> {
  for (const [, passed, failed, skipped] of output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)) {
    yield { passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0) };
  }
}
