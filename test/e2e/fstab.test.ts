// An fstab line mounts with `mount -a`, a second `mount -a` does nothing, `umount` ends the daemon. mount(8) looks for
// its helpers in /sbin alone, so the test runs in a mount namespace whose /usr/sbin is a copy with ours added.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** $1 scratch directory, $2 fstab, $3 the Node that runs the daemon; prints what each step found. */
const SCRIPT = `
  set -e
  sbin=$(readlink -f /sbin)
  cp -a "$sbin" "$1/sbin"
  ln -sf "$1/helper" "$1/sbin/mount.pfs"
  ln -sf mount.pfs "$1/sbin/mount.fuse.pfs"
  mount --bind "$1/sbin" "$sbin"
  daemons() {
    for process in /proc/[0-9]*; do
      [ "$(readlink "$process/exe")" = "$3" ] || continue
      tr '\\0' ' ' <"$process/cmdline" | grep -F "$1/volume" || true
    done 2>/dev/null | wc -l
  }
  mount -a -T "$2"
  echo "mounted $(findmnt -n -o FSTYPE,SOURCE "$1/volume" | tr -s ' ')"
  echo text >"$1/volume/file"
  mount -a -T "$2"
  echo "daemons $(daemons "$1" "$2" "$3")"
  echo "mounts $(findmnt -n "$1/volume" | wc -l)"
  umount "$1/volume"
  for attempt in $(seq 100); do [ "$(daemons "$1" "$2" "$3")" = 0 ] && break; sleep 0.1; done
  echo "after umount $(daemons "$1" "$2" "$3")"
  mount -a -T "$2"
  echo "again $(cat "$1/volume/file")"
  umount "$1/volume"
  for attempt in $(seq 100); do [ "$(daemons "$1" "$2" "$3")" = 0 ] && break; sleep 0.1; done
`;

const test = suite('fstab');

test('a line in fstab mounts once, and umount ends the daemon', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'fstab-'));
  mkdirSync(join(scratch, 'volume'));
  const helper = join(scratch, 'helper');
  writeFileSync(helper, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}dist/mount/mount-pfs.js" "$@"\n`);
  chmodSync(helper, 0o755);
  const fstab = join(scratch, 'fstab');
  const options = 'defaults,_netdev,nofail,listen=127.0.0.1:7433';
  writeFileSync(fstab, `${join(scratch, 'state')} ${join(scratch, 'volume')} pfs ${options} 0 0\n`);
  const parameters = ['--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, '-', scratch, fstab, process.execPath];
  const { code, stdout, stderr } = await run('unshare', parameters);
  assert.is(code, 0, stdout + stderr);
  assert.match(stdout, `mounted fuse.pfs ${join(scratch, 'state')}`);
  assert.match(stdout, 'daemons 1');
  assert.match(stdout, 'mounts 1');
  assert.match(stdout, 'after umount 0');
  assert.match(stdout, 'again text');
});

test.run();
