// When V8 optimizes. By itself it does so after a few hundred calls of a function: a young daemon then spent a second and
// more of processor time on optimizing all that the first copy of many files goes through, beside the copy.
import { setFlagsFromString } from 'node:v8';
import { KIB } from '../src/base/units.ts';

/**
 * Bytes of bytecode that a function runs through before it is thought of: 20 times V8's own. Measured on 23,329 files
 * (docs/design/0088): a young daemon takes 0.7 s less for the first copy, and as long as before for the next ones.
 */
const BYTECODE_BYTES_BEFORE = 20 * 66 * KIB;

/** Before anything runs often: V8 reads this flag when it compiles a function for the first time. */
export function delayOptimization(): void {
  setFlagsFromString(`--interrupt-budget=${BYTECODE_BYTES_BEFORE}`);
}
