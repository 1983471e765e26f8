// Finds the test files and says which may run beside each other: those that take a mount, a namespace or the whole
// machine run alone.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const PARALLEL_FOLDERS = ['test/unit', 'test/posix', 'test/simulation'];
const SERIAL_FOLDERS = ['test/native', 'test/conformance', 'test/e2e'];

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
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
