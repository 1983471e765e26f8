// Waiting for a filesystem that may never answer.
import { SEED_STUCK_MS } from '../base/limits.ts';

/** Whether the work settled before patience was at its end; then it rejects as the work does. */
export async function withinPatience(work: Promise<unknown>, patienceMs: number = SEED_STUCK_MS): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  try {
    return await Promise.race([work.then(() => true), patience]);
  } finally {
    clearTimeout(timer);
  }
}
