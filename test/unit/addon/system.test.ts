// Capabilities, locks and the service manager, with real locks between real processes.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { run } from '../../support/process.ts';

const ADDON = fileURLToPath(new URL('../../../src/addon/addon.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const runScript = (script: string, environment: NodeJS.ProcessEnv = process.env) =>
  run(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', `import { native } from '${ADDON}';${script}`],
    { environment, directory: ROOT },
  );

const test = suite<{ directory: string }>('system', { directory: '' });

test.before((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pfs-addon-'));
});
test.after((context) => rmSync(context.directory, { recursive: true, force: true }));

test('capabilities name the versions that are linked', () => {
  const capabilities = native.capabilities();
  assert.match(capabilities.zstdVersion, /^1\./);
  assert.match(capabilities.sodiumVersion, /^1\./);
  assert.match(capabilities.fuseVersion, /^3\./);
  assert.type(capabilities.aesGcm, 'boolean');
});

test('a lock excludes this process and others until it is released', async ({ directory }) => {
  const path = join(directory, 'lock');
  const attempt = `console.log(native.acquireLock('${path}') === undefined ? 'busy' : 'got')`;
  const lock = native.acquireLock(path);
  assert.ok(lock);
  assert.is(native.acquireLock(path), undefined);
  assert.is((await runScript(attempt)).stdout.trim(), 'busy');
  lock?.release();
  lock?.release();
  assert.is((await runScript(attempt)).stdout.trim(), 'got');
  native.acquireLock(path)?.release();
});

test('a lock ends with the process that held it, however that ends', async ({ directory }) => {
  const path = join(directory, 'killed');
  const result = await runScript(`native.acquireLock('${path}'); process.kill(process.pid, 'SIGKILL')`);
  assert.is(result.code, undefined);
  const lock = native.acquireLock(path);
  assert.ok(lock);
  lock?.release();
});

test('a lock in a directory that does not exist is an error', ({ directory }) => {
  assert.throws(() => native.acquireLock(join(directory, 'nowhere', 'lock')), /cannot open the lock file/);
});

test('without NOTIFY_SOCKET nothing is notified', () => {
  assert.is(process.env['NOTIFY_SOCKET'], undefined);
  assert.is(native.notifyServiceManager('READY=1'), false);
});

test('the service manager receives the state, at a path and at an abstract name', async ({ directory }) => {
  for (const name of [join(directory, 'notify'), `@pfs-test-${process.pid}`]) {
    const receiver = spawn('python3', ['-c', RECEIVER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const received: Buffer[] = [];
    const bound = new Promise<void>((resolve) => receiver.stdout.once('data', () => resolve()));
    receiver.stdout.on('data', (part: Buffer) => received.push(part));
    const done = new Promise((resolve) => receiver.once('close', resolve));
    await bound;
    const result = await runScript(`console.log(native.notifyServiceManager('READY=1'))`, {
      ...process.env,
      NOTIFY_SOCKET: name,
    });
    assert.is(result.stdout.trim(), 'true', result.stderr);
    await done;
    assert.is(Buffer.concat(received).toString(), 'bound\nREADY=1\n');
  }
  assert.ok(existsSync(join(directory, 'notify')));
});

test('a service manager that is gone is an error', async ({ directory }) => {
  const result = await runScript(`native.notifyServiceManager('READY=1')`, {
    ...process.env,
    NOTIFY_SOCKET: join(directory, 'gone'),
  });
  assert.is(result.code, 1);
  assert.match(result.stderr, /cannot notify the service manager/);
});

const RECEIVER = `
import socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + name[1:] if name.startswith('@') else name)
receiver.settimeout(30)
print('bound', flush=True)
print(receiver.recv(1000).decode(), flush=True)
`;

test.run();
