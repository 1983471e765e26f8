// What V8 is told before anything runs, because its own choices are made for bigger processes and more processors.
//
// The heap: by itself V8 lets that of a process on a big machine grow to four times what lives in it before it collects;
// what lives in this one is bounded (src/base/limits.ts), so the rest would be garbage kept resident. Measured
// (docs/design/0057): peak 181 MB by itself, 102 MB so, for 9 % more CPU of a loop that only allocates.
//
// Compiling: what a young daemon runs often is compiled on V8's threads, which on a small machine take the processor
// from the programs in the mount. So less at once, later and spread over more requests (docs/design/0072).
import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  '--heap-growing-percent=50', // growth before the next collection, of what lived after the last
  '--interrupt-budget=270000', // bytes of bytecode that a function runs between two looks at whether it is hot; 67584
  '--max-inlined-bytecode-size-cumulative=300', // bytes of bytecode that are inlined into one function; 920
];

export function setV8Flags(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
