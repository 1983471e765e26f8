// The kernel's flags of a mount, set and taken back by remounting it while it is served: each has its effect, and the
// daemon and its files stay.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Probe, type ProbeValue } from '../posix/probe.ts';
import { TestNode } from '../support/cluster.ts';
import { run } from '../support/process.ts';

const PORTS_FROM = 20_000;
const PORTS = 20_000;
const HELPER = new URL('../../dist/mount/mount-pfs.js', import.meta.url).pathname;
const CHANGING = [
  ...['chmod', 'chown', 'lchown', 'create', 'truncate', 'unlink', 'utimes', 'setxattr', 'removexattr'],
  ...['link from', 'rename from', 'rename to'],
];
const READING = ['open', 'stat', 'lstat', 'access', 'listxattr', 'statvfs'];

const directory = mkdtempSync(join(tmpdir(), 'mount-options-'));
const node = new TestNode({ directory, port: PORTS_FROM + (process.pid % PORTS) });
const probe = new Probe();
const test = suite('mount options');

const at = (name: string): string => join(node.mountPoint, name);
const remount = (flags: string) => run('mount', ['--internal-only', '-o', `remount,${flags}`, node.mountPoint]);
const remountByHelper = (flags: string) =>
  run(process.execPath, [HELPER, 'packetfs', node.mountPoint, '-o', `remount,${flags}`]);

async function outcomes(names: readonly string[]): Promise<Record<string, string>> {
  const code = 'result = attempt_all(directory, "file", 0, [])';
  const all = (await probe.run(code, { directory: node.mountPoint })) as [string, string][];
  return Object.fromEntries(all.filter(([name]) => names.includes(name)));
}

const outcome = (code: string): Promise<ProbeValue> =>
  probe.run(`result = outcome(lambda: ${code})`, { directory: node.mountPoint });

const all = (names: readonly string[], value: string): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, value]));

test.before(async () => {
  chmodSync(directory, 0o755);
  await node.start();
  writeFileSync(at('file'), 'text');
  writeFileSync(at('source'), 'text');
  copyFileSync('/bin/true', at('program'));
  chmodSync(at('program'), 0o755);
  await probe.run("os.mknod(directory + '/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))", {
    directory: node.mountPoint,
  });
});
test.after(async () => {
  probe.close();
  await node.stop();
  rmSync(directory, { recursive: true });
});

for (const [name, change] of [
  ['mount', remount],
  ['mount.pfs', remountByHelper],
] as const) {
  test(`remounted read-only by ${name}, every change fails with EROFS and every reading works; and back`, async () => {
    await change('ro');
    assert.equal(await outcomes(CHANGING), all(CHANGING, 'EROFS'));
    assert.equal(await outcomes(READING), all(READING, 'ok'));
    await change('rw');
    writeFileSync(at('file'), 'changed');
    assert.is(readFileSync(at('file'), 'utf8'), 'changed');
  });
}

test('noexec, nodev and nosuid forbid what they say, until they are taken back', async () => {
  const execute = "__import__('subprocess').run([directory + '/program'], check=True)";
  const device = "os.open(directory + '/null', os.O_RDONLY)";
  const flags = 'os.statvfs(directory).f_flag & os.ST_NOSUID';
  assert.equal([await outcome(execute), await outcome(device)], ['ok', 'ok']);
  await remount('noexec,nodev,nosuid');
  assert.equal([await outcome(execute), await outcome(device)], ['EACCES', 'EACCES']);
  assert.is(await probe.run(`result = ${flags} != 0`, { directory: node.mountPoint }), true);
  await remount('exec,dev,suid');
  assert.equal([await outcome(execute), await outcome(device)], ['ok', 'ok']);
});

test.run();
