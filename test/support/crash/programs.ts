// The programs of the crash tests, built by their own Makefile.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../process.ts';

const HERE = fileURLToPath(new URL('./', import.meta.url)).replace('/dist/', '/');

export const FAULTY_DISK = join(HERE, 'build/faulty-disk');
export const CRASH_WORKER = join(HERE, 'build/crash-worker');

export const buildPrograms = (): Promise<string> =>
  runChecked('make', ['--no-print-directory', '-s', '-C', HERE], { limitMs: 300_000 });
