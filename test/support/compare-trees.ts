// The independent comparison of two trees (compare_trees.py), for tests and the demo.
import { fileURLToPath } from 'node:url';
import { run } from './process.ts';

const SCRIPT = fileURLToPath(new URL('compare_trees.py', import.meta.url)).replace('/dist/test/', '/test/');
const LIMIT_MS = 300_000;

export interface Comparison {
  readonly equal: boolean;
  /** One line per difference, then a summary. */
  readonly text: string;
}

export async function compareTrees(first: string, second: string): Promise<Comparison> {
  const { code, stdout, stderr } = await run('python3', [SCRIPT, first, second], { limitMs: LIMIT_MS });
  if (code !== 0 && code !== 1) throw new Error(`the comparison failed: ${stderr}`);
  return { equal: code === 0, text: stdout };
}
