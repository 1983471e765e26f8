// How V8's heap grows. By itself V8 lets the heap of a process on a big machine grow to four times what lives in it
// before it collects; what lives in this one is bounded (src/base/limits.ts), so the rest would be garbage kept resident.
// Measured (docs/design/0057): peak 181 MB by itself, 102 MB so, for 9 % more CPU of a loop that only allocates.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { MIB } from '../src/base/units.ts';

/** By how much of what lived after a collection the heap grows before the next, in per cent. */
const HEAP_GROWTH_PERCENT = 50;
/** Both halves of the young generation, of which V8 by itself makes 32 MiB. It doubles them. */
const YOUNG_BYTES_MAX = 16 * MIB;

/** Before anything fills the heap; V8 reads these flags with every collection. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  new PerformanceObserver(boundYoungGeneration).observe({ entryTypes: ['gc'] });
}

/** V8 halves the young generation in quiet times, so whether it may grow is said anew after each collection. */
function boundYoungGeneration(): void {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
  setFlagsFromString(`--semi-space-growth-factor=${young < YOUNG_BYTES_MAX ? 2 : 1}`);
}
