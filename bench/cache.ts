// Where benches keep what they fetched, so that it is fetched once.
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export function cacheDirectory(): string {
  const home = process.env.HOME === undefined ? tmpdir() : homedir();
  return join(process.env.XDG_CACHE_HOME ?? join(home, '.cache'), 'packetfs-demo');
}
