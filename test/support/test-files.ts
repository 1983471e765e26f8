// Finds the test files and says which may run beside each other: those that take a namespace, the kernel's caches or the
// whole machine run alone.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLong } from './program-sizes.ts';

const PARALLEL_FOLDERS = ['test/unit', 'test/posix', 'test/simulation'];
const SERIAL_FOLDERS = ['test/native', 'test/kernel', 'test/conformance', 'test/e2e'];
/** Take many minutes and packages of their own: only `make test-programs` runs them. */
const LONG_FOLDER = 'test/e2e/programs/long/';

export interface TestFiles {
  readonly parallel: readonly string[];
  readonly serial: readonly string[];
}

export function findTestFiles(root: string): TestFiles {
  return {
    parallel: PARALLEL_FOLDERS.flatMap((folder) => testsIn(join(root, folder))),
    serial: SERIAL_FOLDERS.flatMap((folder) => testsIn(join(root, folder))),
  };
}

function testsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
      .map((name) => join(folder, name))
      .filter((path) => isLong || !path.includes(LONG_FOLDER));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
