// The commands that users have, as `make build` leaves them in dist/, also for programs that themselves run from there.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/dist\/$/, '/');
export const PFS = join(ROOT, 'dist/src/cli/pfs.js');
export const PFS_MOUNT = join(ROOT, 'dist/mount/pfs-mount.js');
