// A real tree for end-to-end tests that needs no network: packages of node_modules (about 1,700 files where none are named) and one entry of
// every other kind that a copy must keep.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['lodash', 'protobufjs', 'zod'];

export function makeSourceTree(directory: string, packages: readonly string[] = PACKAGES): void {
  mkdirSync(directory, { recursive: true });
  const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  for (const name of packages)
    cpSync(join(modules, name), join(directory, name), { recursive: true, dereference: true });
  makeOtherKinds(join(directory, 'other-kinds'));
  // Old times of directories too: within one second rsync takes a new directory's time for the source's.
  execFileSync('find', [directory, '-type', 'd', '-exec', 'touch', '-d', '2001-02-03T04:05:06.123456789Z', '{}', '+']);
}

/** Links, owners, odd modes, attributes, holes, special files, names that are not UTF-8, times to the nanosecond. */
export function makeOtherKinds(directory: string): void {
  const script = `
    mkdir -p "$1/private" && cd "$1"
    printf one >file && ln file hard-link && ln -s file symlink && ln -s /nowhere dangling
    printf two >owned && chown 1234:5678 owned && chmod 4750 owned
    setfattr -n user.colour -v blue file && setfacl -m u:1234:r owned
    truncate -s 10M sparse && printf end >>sparse
    mkfifo fifo && mknod null c 1 3 && chmod 1777 private
    : >"$(printf 'not-utf8-\\377')" && : >'with
newline'
    touch -h -d 2001-02-03T04:05:06.123456789Z -- *`;
  // Old times: rsync leaves a special file's nanoseconds alone where the seconds agree, as those of new ones may.
  execFileSync('sh', ['-ec', script, '-', directory]);
}
