// The control socket, over a real Unix socket.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
import { isPacketFsError, PacketFsError } from '../../../src/base/errors.ts';
import { requestControl } from '../../../src/control/client.ts';
import { controlSocketPath } from '../../../src/control/messages.ts';
import type { CheckStatus, ControlHandlers, ScrubStatus } from '../../../src/control/methods.ts';
import { type ControlServer, serveControl } from '../../../src/control/server.ts';

const scrub: ScrubStatus = {
  state: 'never',
  repair: false,
  bytesDone: '0',
  bytesTotal: '0',
  chunks: 0,
  findings: [],
  reason: '',
};

interface Context {
  directory: string;
  server: ControlServer;
  /** Settles when the daemon has got the sync request, and when it saw the client go. */
  syncing: Promise<void>;
  aborted: Promise<void>;
}

const CHECK: CheckStatus = { state: 'never', phase: '', done: 0, findingCount: 0, reason: '' };

const control = suite<Context>('control');
control.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pfs-control-'));
  let onAbort: () => void = () => {};
  context.aborted = new Promise((resolve) => {
    onAbort = resolve;
  });
  let onSync: () => void = () => {};
  context.syncing = new Promise((resolve) => {
    onSync = resolve;
  });
  const handlers: ControlHandlers = {
    status: () => Promise.reject(new PacketFsError('PFS_READ_ONLY', 'no')),
    sync: (_parameters, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', onAbort);
        onSync();
      }),
    'scrub.start': async ({ repair }) => ({ ...scrub, repair }),
    'scrub.status': async () => scrub,
    'check.start': () => Promise.resolve(CHECK),
    'check.status': () => Promise.resolve(CHECK),
    'seed.add': () => Promise.reject(new Error('unexpected')),
    'seed.forget': () => Promise.reject(new Error('unexpected')),
    'seed.status': () => Promise.reject(new Error('unexpected')),
    info: () => Promise.reject(new Error('unexpected')),
  };
  context.server = await serveControl({ stateDirectory: context.directory, handlers, logger: silentLogger });
});
control.after.each(async (context) => {
  await context.server.close();
  rmSync(context.directory, { recursive: true });
});

const rejectsWith = async (code: string, promise: Promise<unknown>): Promise<void> => {
  try {
    await promise;
  } catch (error) {
    assert.ok(isPacketFsError(error), String(error));
    assert.is(error.code, code);
    return;
  }
  assert.unreachable(`expected ${code}`);
};

control('a request reaches its handler with its parameters, the result comes back', async ({ directory }) => {
  assert.equal(await requestControl(directory, 'scrub.start', { repair: true }), { ...scrub, repair: true });
});

control('only the owner may connect', ({ directory }) => {
  assert.is(statSync(controlSocketPath(directory)).mode & 0o777, 0o600);
});

control('a coded error keeps its code, an unexpected one is PFS_IO', async ({ directory }) => {
  await rejectsWith('PFS_READ_ONLY', requestControl(directory, 'status', {}));
  await rejectsWith('PFS_IO', requestControl(directory, 'info', { path: '/' }));
});

control('no daemon is reported as such', async ({ directory }) => {
  await rejectsWith('PFS_NO_DAEMON', requestControl(join(directory, 'nowhere'), 'status', {}));
});

control('wrong parameters and unknown methods are refused', async ({ directory }) => {
  for (const line of ['{"method":"sync","parameters":{}}', '{"method":"x","parameters":{}}', 'not json']) {
    const answer = await new Promise<string>((resolve) => {
      const socket = createConnection({ path: controlSocketPath(directory) }, () => socket.write(`${line}\n`));
      socket.on('data', (part) => resolve(part.toString()));
    });
    assert.match(answer, /PFS_(USAGE|PROTOCOL)/);
  }
});

control('a client that goes away aborts its request', async ({ directory, syncing, aborted }) => {
  const gone = new AbortController();
  const request = requestControl(directory, 'sync', { timeoutSeconds: 0 }, { signal: gone.signal });
  await syncing;
  gone.abort();
  await rejectsWith('PFS_TIMEOUT', request);
  await aborted;
});

control.run();
