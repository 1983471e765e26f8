import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
import { EXIT_CODES, type ExitCode } from '../../../src/cli/exit-codes.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type {
  CheckStatus,
  ControlHandlers,
  ScrubStatus,
  SeedsStatus,
  StatusResult,
} from '../../../src/control/methods.ts';
import { serveControl } from '../../../src/control/server.ts';

interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

async function pfs(...parameters: string[]): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const code = await runProgram(parameters, {
    write: (text) => {
      stdout += text;
    },
    writeError: (text) => {
      stderr += text;
    },
    terminal: false,
  });
  return { code, stdout, stderr };
}

function inTemporaryDirectory(body: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pfs-cli-'));
    try {
      await body(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

const usage = suite('usage');

usage('an unknown command and an unknown option are usage errors that say so', async () => {
  const command = await pfs('frobnicate');
  assert.is(command.code, EXIT_CODES.usage);
  assert.match(command.stderr, 'frobnicate');
  const option = await pfs('status', '--frobnicate');
  assert.is(option.code, EXIT_CODES.usage);
  assert.match(option.stderr, '--frobnicate');
});

usage('help names every command and succeeds', async () => {
  const { code, stdout } = await pfs('help');
  assert.is(code, EXIT_CODES.success);
  for (const name of ['init', 'invite', 'join', 'status', 'sync', 'scrub', 'check', 'info']) assert.match(stdout, name);
});

usage('a timeout that is no number of seconds is a usage error', async () => {
  for (const timeout of ['soon', '-1', '', '0']) {
    assert.is((await pfs('sync', '--state', '/nowhere', '--timeout', timeout)).code, EXIT_CODES.usage, timeout);
  }
});

usage.run();

const membership = suite('membership');

membership(
  'a volume is made, invited to and joined without a daemon, and the token is the last line',
  inTemporaryDirectory(async (directory) => {
    const [first, second] = [join(directory, 'a'), join(directory, 'b')];
    const made = JSON.parse((await pfs('init', '--state', first, '--json')).stdout);
    const invitation = await pfs('invite', '--state', first, '--address', '10.0.0.1:7433');
    assert.is(invitation.code, EXIT_CODES.success);
    const token = invitation.stdout.trimEnd().split('\n').at(-1) ?? '';
    const joined = await pfs('join', token, '--state', second, '--json');
    assert.is(joined.code, EXIT_CODES.success, joined.stderr);
    assert.is(JSON.parse(joined.stdout).volume, made.volume);
    assert.is.not(JSON.parse(joined.stdout).node, made.node);
  }),
);

membership(
  'a second volume in one state directory is refused, and the first one stays',
  inTemporaryDirectory(async (directory) => {
    await pfs('init', '--state', directory);
    const again = await pfs('init', '--state', directory);
    assert.is(again.code, EXIT_CODES.system);
    assert.match(again.stderr, 'PFS_VOLUME_EXISTS');
  }),
);

membership(
  'no volume, a mangled token and no daemon have exit codes of their own',
  inTemporaryDirectory(async (directory) => {
    assert.is((await pfs('invite', '--state', directory)).code, EXIT_CODES.noVolume);
    assert.is((await pfs('join', 'pfs1nonsense', '--state', directory)).code, EXIT_CODES.usage);
    const status = await pfs('status', '--state', directory);
    assert.is(status.code, EXIT_CODES.system);
    assert.match(status.stderr, 'PFS_NO_DAEMON');
  }),
);

membership.run();

const daemon = suite('with a daemon');

const cleanScrub: ScrubStatus = {
  state: 'done',
  repair: false,
  bytesDone: '1048576',
  bytesTotal: '1048576',
  chunks: 64,
  findings: [],
  reason: '',
};

const damagedScrub: ScrubStatus = {
  ...cleanScrub,
  findings: [{ address: '281474976710656', length: '16384', reason: 'data', paths: ['/a/b'], repaired: false }],
};

const PATHS = ['10.0.0.2:7433', '10.0.1.2:7433'].map((address, index) => ({
  address,
  state: index === 0 ? ('ok' as const) : ('failing' as const),
  rttMs: index + 0.5,
  packetsSent: 100,
  packetsLost: index,
  datagramBytes: 1452,
}));

const statusOf = (scrub: ScrubStatus): StatusResult => ({
  volume: '00'.repeat(16),
  node: '11'.repeat(32),
  state: 'ONLINE',
  reason: '',
  mountPoint: '/mnt/volume',
  listen: '0.0.0.0:7433',
  startedAt: '2026-01-01T00:00:00.000Z',
  epoch: 1,
  sequence: '42',
  inodes: '7',
  chunks: 64,
  indexMemoryBytes: 4096,
  indexOneIn: 4,
  ingest: { bytes: 1048576, matchedBytes: 0, appendedBytes: 1048576, zeroBytes: 0 },
  peers: [
    {
      publicKey: '22'.repeat(32),
      address: '10.0.0.2:7433',
      state: 'in-step',
      reason: '',
      rttMs: 0.5,
      congestion: 'fair',
      operationsBehind: '3',
      bytesBehind: '2048',
      literalBytesSent: '10',
      literalBytesReceived: '20',
      recipeBytesFilled: '0',
      asks: 0,
      paths: PATHS,
    },
  ],
  maxRateBytesPerSecond: 8 * 1024 * 1024,
  transport: { 'bad-mac': 5 },
  scrub,
  simd: 'avx2',
  aead: 'aes-256-gcm',
  memoryBytes: 1048576,
  heap: { usedBytes: 300_000, totalBytes: 400_000, externalBytes: 10_000 },
  cache: { inodes: 7, bytes: 11_264, bytesMax: 1048576, hits: 40, misses: 7, evictions: 0 },
  kernel: { inodes: 5, bytes: 1280, invalidationsQueued: 0 },
});

const CHECK: CheckStatus = {
  state: 'done',
  phase: '',
  done: 0,
  findingCount: 1,
  reason: '',
  report: {
    commit: '7',
    phases: [{ name: 'inodes', checked: '3 inodes, 2 extents', findings: 1, milliseconds: 1500 }],
    findingCount: 1,
    findings: [
      {
        code: 'extent-unresolved',
        path: '/folder/a',
        inode: '12',
        detail: 'no chunks cover it',
        remedy: 'fetch it',
        repaired: false,
      },
    ],
    repairs: [],
    notes: ['1 inode unlinked'],
  },
};

const SEED: SeedsStatus['directories'][number] = {
  path: '/data',
  state: 'ready',
  files: 3,
  bytes: 2048,
  problemCount: 1,
  problems: ['open /data/secret: Permission denied'],
  reason: '',
};
const SEEDS: SeedsStatus = { directories: [SEED], chunks: 4, memoryBytes: 1024, bytesFilled: '4096' };

function withDaemon(scrub: ScrubStatus, body: (state: string, asked: unknown[]) => Promise<void>): () => Promise<void> {
  return inTemporaryDirectory(async (state) => {
    const asked: unknown[] = [];
    const handlers: ControlHandlers = {
      status: () => Promise.resolve(statusOf(scrub)),
      sync: (parameters) => {
        asked.push(parameters);
        return Promise.resolve({ sequence: '42', peers: 1 });
      },
      'scrub.start': (parameters) => {
        asked.push(parameters);
        return Promise.resolve({ ...scrub, state: 'running', findings: [] });
      },
      'scrub.status': () => Promise.resolve(scrub),
      'check.start': () => Promise.resolve(CHECK),
      'check.status': () => Promise.resolve(CHECK),
      'seed.add': (parameters) => {
        asked.push(parameters);
        return Promise.resolve({ ...SEEDS, directories: [{ ...SEED, state: 'reading' }] });
      },
      'seed.forget': (parameters) => {
        asked.push(parameters);
        return Promise.resolve({ ...SEEDS, directories: [] });
      },
      'seed.status': () => Promise.resolve(SEEDS),
      info: (parameters) => {
        asked.push(parameters);
        return Promise.resolve({
          path: parameters.path,
          inode: '1',
          kind: 'file',
          size: '5',
          allocatedBytes: '5',
          uniqueBytes: '5',
          links: 1,
          extents: 1,
          logs: [],
          contentVersion: '9',
        });
      },
    };
    const server = await serveControl({ stateDirectory: state, handlers, logger: silentLogger });
    try {
      await body(state, asked);
    } finally {
      await server.close();
    }
  });
}

daemon(
  'status names volume, state, peer and its lag',
  withDaemon(cleanScrub, async (state) => {
    const { code, stdout } = await pfs('status', '--state', state);
    assert.is(code, EXIT_CODES.success);
    for (const fact of [
      'ONLINE',
      '/mnt/volume',
      '10.0.0.2:7433',
      'in-step',
      '3 ops',
      '2.00 KiB',
      'bad-mac: 5',
      'fair',
      '8.00 MiB/s',
      'of one in 4',
    ]) {
      assert.match(stdout, fact);
    }
    assert.equal(JSON.parse((await pfs('status', '--state', state, '--json')).stdout), statusOf(cleanScrub));
  }),
);

daemon(
  'sync passes on peer and time',
  withDaemon(cleanScrub, async (state, asked) => {
    assert.is((await pfs('sync', '--state', state, '--to', '22', '--timeout', '5')).code, EXIT_CODES.success);
    assert.equal(asked, [{ timeoutSeconds: 5, to: '22' }]);
  }),
);

daemon(
  'a seed is waited for, shown with what could not be read, and forgotten',
  withDaemon(cleanScrub, async (state, asked) => {
    const added = await pfs('seed', '/data/', '--state', state);
    assert.is(added.code, EXIT_CODES.success);
    for (const text of ['/data: 3 files, 2.00 KiB', '1 could not be read', 'Permission denied', '4.00 KiB did not']) {
      assert.match(added.stdout, text);
    }
    assert.equal(JSON.parse((await pfs('seed', '--json', '--state', state)).stdout), SEEDS);
    assert.match((await pfs('seed', '--forget', '/data', '--state', state)).stdout, 'no seeds');
    assert.equal(asked, [{ path: '/data' }, { path: '/data' }]);
    assert.is((await pfs('seed', '--forget', '--state', state)).code, EXIT_CODES.usage);
  }),
);

daemon(
  'a clean scrub exits 0',
  withDaemon(cleanScrub, async (state) => {
    assert.is((await pfs('scrub', 'start', '-w', '--state', state)).code, EXIT_CODES.success);
  }),
);

daemon(
  'a scrub that found damage exits 3 and names the path',
  withDaemon(damagedScrub, async (state) => {
    const { code, stdout } = await pfs('scrub', 'start', '-w', '--state', state);
    assert.is(code, EXIT_CODES.foundErrors);
    assert.match(stdout, '/a/b');
    assert.is((await pfs('scrub', 'status', '--json', '--state', state)).code, EXIT_CODES.foundErrors);
  }),
);

daemon(
  'a scrub that repaired all it found exits 0',
  withDaemon(
    { ...damagedScrub, findings: damagedScrub.findings.map((finding) => ({ ...finding, repaired: true })) },
    async (state) => {
      const { code, stdout } = await pfs('scrub', 'start', '-w', '--repair', '--state', state);
      assert.is(code, EXIT_CODES.success);
      assert.match(stdout, 'repaired');
    },
  ),
);

daemon(
  'a check that found something exits 3 and says where, what and what to do',
  withDaemon(cleanScrub, async (state) => {
    const { code, stdout } = await pfs('check', '--online', '--state', state);
    assert.is(code, EXIT_CODES.foundErrors);
    for (const text of ['/folder/a', 'inode 12', 'no chunks cover it', 'fetch it', '3 inodes', '1 inode unlinked']) {
      assert.match(stdout, text);
    }
    const json = JSON.parse((await pfs('check', '--online', '--json', '--state', state)).stdout);
    assert.equal(json, CHECK.report);
  }),
);

daemon(
  'info takes a path below the mount point or relative to the root',
  withDaemon(cleanScrub, async (state, asked) => {
    await pfs('info', '/mnt/volume/a/b', '--state', state);
    await pfs('info', 'c/d', '--state', state);
    assert.equal(asked, [{ path: 'a/b' }, { path: 'c/d' }]);
  }),
);

daemon.run();

const check = suite('check');

check(
  'without a volume it exits 10; one that was never mounted has nothing wrong',
  inTemporaryDirectory(async (directory) => {
    assert.is((await pfs('check', '--state', directory)).code, EXIT_CODES.noVolume);
    await pfs('init', '--state', directory);
    const { code, stdout } = await pfs('check', '--state', directory);
    assert.is(code, EXIT_CODES.success);
    assert.match(stdout, 'never mounted');
  }),
);

check.run();
