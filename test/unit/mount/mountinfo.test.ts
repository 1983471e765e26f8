// /proc/self/mountinfo, as proc_pid_mountinfo(5) describes it.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findMount, isPacketFs, parseMountinfo, readMounts, waitForMount } from '../../../mount/mountinfo.ts';

const mountinfo = suite('mountinfo');

const SAMPLE = [
  '22 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro',
  '43 22 0:39 / /mnt/a\\040b\\134c rw,noatime - fuse.pfs memory,\\040for\\040tests rw,user_id=0',
  '44 22 0:40 / /mnt/x rw - tmpfs tmpfs rw',
  '45 44 0:41 / /mnt/x ro,nosuid - fuse.pfs label ro',
  'this is not a mount',
  '',
].join('\n');

mountinfo('fields are found behind any number of optional ones, escapes are undone', () => {
  const [root, escaped, ...rest] = parseMountinfo(SAMPLE);
  assert.is(root?.type, 'ext4');
  assert.is(root?.device, '8:1');
  assert.is(escaped?.mountPoint, '/mnt/a b\\c');
  assert.is(escaped?.source, 'memory, for tests');
  assert.equal(escaped?.options, ['rw', 'noatime']);
  assert.is(rest.length, 2);
});

mountinfo('names that are not ASCII survive', () => {
  const [entry] = parseMountinfo('1 2 0:3 / /mnt/caf\u00e9\\040x rw - fuse.pfs s rw');
  assert.is(entry?.mountPoint, '/mnt/caf\u00e9 x');
});

mountinfo('the topmost of stacked mounts is found', () => {
  const mounts = parseMountinfo(SAMPLE);
  const found = findMount('/mnt/x', mounts);
  assert.is(found?.id, 45);
  assert.ok(found !== undefined && isPacketFs(found));
  assert.is(findMount('/mnt', mounts), undefined);
});

mountinfo('this system lists its root', () => {
  assert.ok(readMounts().some((entry) => entry.mountPoint === '/'));
});

mountinfo('waiting ends with the mount, or with the signal', async () => {
  const entry = parseMountinfo(SAMPLE)[0];
  let asked = 0;
  const found = await waitForMount(() => (++asked < 3 ? undefined : entry), AbortSignal.timeout(5000));
  assert.is(found, entry);
  assert.is(await waitForMount(() => undefined, AbortSignal.timeout(30)), undefined);
});

mountinfo.run();
