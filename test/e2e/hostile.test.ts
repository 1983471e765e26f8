// What comes from outside the volume changes nothing: random datagrams, replayed packets, other volumes, used tokens.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refusedIn } from '../../bench/link/hostile.ts';
import type { StatusResult } from '../../src/control/methods.ts';
import { TestNode } from '../support/cluster.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { insideNamespace, type NamespaceEnd } from '../support/namespaces.ts';
import { type CommandResult, run } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const MIB = 1024 * 1024;
const DATAGRAMS = 200_000;
const MEMORY_GROWTH_MAX = 64 * MIB;
const REFUSED_FOR_MS = 5000;

const FLOOD = `
import os, random, socket, sys
generator = random.Random(int(sys.argv[3]))
target = (sys.argv[1], 7433)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
pool = generator.randbytes(1 << 20)
for index in range(int(sys.argv[2])):
    start, length = generator.randrange(1 << 19), generator.choice([0, 1, 15, 16, 64, 148, 1200, 1400])
    payload = bytearray(pool[start:start + length])
    if length > 0 and index % 2:
        payload[0] = index % 8
    try:
        sender.sendto(payload, target)
    except (BlockingIOError, ConnectionRefusedError):
        pass
`;

/**
 * Captures what leaves an interface until a file appears, then puts the same frames on the wire again. Their UDP
 * checksums are left out (0: none, RFC 768): the sender's kernel had not computed them yet.
 */
const REPLAY = `
import os, socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind(('wire0', 3))
raw.settimeout(0.2)
frames = []
while not os.path.exists(sys.argv[1]) and len(frames) < 5000:
    try:
        frame, about = raw.recvfrom(65536)
    except TimeoutError:
        continue
    if about[2] == socket.PACKET_OUTGOING and len(frame) <= 1514 and frame[12:15] == b'\\x08\\x00\\x45' and frame[23] == 17:
        frames.append(frame[:40] + bytes(2) + frame[42:])
for frame in frames * 3:
    raw.send(frame)
print(3 * len(frames))
`;

const pythonInside = (end: NamespaceEnd, script: string, ...parameters: readonly string[]): Promise<CommandResult> => {
  const [command = '', ...rest] = insideNamespace(end, ['python3', '-c', script, ...parameters]);
  return run(command, rest);
};

const refusals = (status: StatusResult): number => refusedIn(status.transport);

const test = suite('hostile');

test(
  'random datagrams are refused and counted; nothing changes and memory stays flat',
  withCluster(async ({ a, b, wire }) => {
    writeFileSync(a.at('file'), 'text');
    await a.sync();
    await pythonInside(wire.b, FLOOD, wire.a.address, String(DATAGRAMS / 10), '1');
    const before = await a.status();
    const flood = await pythonInside(wire.b, FLOOD, wire.a.address, String(DATAGRAMS), '2');
    assert.is(flood.code, 0, flood.stderr);
    const after = await a.status();
    const counted = refusals(after) - refusals(before);
    // The kernel drops what its socket buffer cannot hold.
    assert.ok(counted > DATAGRAMS / 100, `${counted} counted`);
    const growth = after.memoryBytes - before.memoryBytes;
    assert.ok(growth < MEMORY_GROWTH_MAX, `${growth} bytes more`);
    assert.is(after.sequence, before.sequence);
    assert.is(after.peers.length, 1);
    writeFileSync(b.at('after'), 'still working');
    await b.sync();
    assert.is(readFileSync(a.at('after'), 'utf8'), 'still working');
  }),
);

test(
  'replayed packets change nothing',
  withCluster(async ({ a, b, wire }) => {
    const enough = join(mkdtempSync(join(tmpdir(), 'replay-')), 'enough');
    const replay = pythonInside(wire.b, REPLAY, enough);
    await sleep(500);
    for (let index = 0; index < 20; index++) {
      writeFileSync(b.at(`file-${index}`), `text ${index}`);
      await b.sync();
    }
    const before = await a.status();
    writeFileSync(enough, '');
    const { stdout, stderr } = await replay;
    assert.ok(Number(stdout) > 50, `${stdout} frames replayed ${stderr}`);
    const after = await a.status();
    assert.is(after.sequence, before.sequence);
    const replayed = (after.transport['replayed'] ?? 0) - (before.transport['replayed'] ?? 0);
    assert.ok(replayed > 50, JSON.stringify(after.transport));
    await b.sync();
    const { equal, text } = await compareTrees(a.mountPoint, b.mountPoint);
    assert.ok(equal, text);
  }),
);

test(
  'a node of another volume and a node with a used token are refused, and serve their own data',
  withCluster(async ({ a, b, wire }) => {
    const directory = mkdtempSync(join(tmpdir(), 'strangers-'));
    const at = (name: string, port: number): TestNode =>
      new TestNode({ directory: join(directory, name), namespace: wire.b, port, peers: [a.address] });
    const stranger = at('stranger', 7500);
    await stranger.pfsChecked('init');
    const invited = at('invited', 7501);
    const second = at('second', 7502);
    const invitation = await a.pfsChecked('invite', '--address', a.address);
    const token = invitation.trimEnd().split('\n').at(-1) ?? '';
    await invited.pfsChecked('join', token);
    await second.pfsChecked('join', token);
    const before = await a.status();
    await invited.start();
    writeFileSync(a.at('secret'), 'for members');
    await a.sync();
    await stranger.start();
    await second.start();
    await sleep(REFUSED_FOR_MS);
    for (const node of [stranger, second]) {
      assert.throws(() => readFileSync(node.at('secret')), /ENOENT/);
      writeFileSync(node.at('own'), 'mine');
      assert.is(readFileSync(node.at('own'), 'utf8'), 'mine');
    }
    assert.is(readFileSync(invited.at('secret'), 'utf8'), 'for members');
    assert.throws(() => readFileSync(a.at('own')), /ENOENT/);
    const after = await a.status();
    assert.is(after.peers.length, before.peers.length + 1);
    assert.ok(refusals(after) > refusals(before), JSON.stringify(after.transport));
    for (const node of [stranger, second, invited]) await node.stop();
    await b.pfsChecked('status');
  }),
);

test('pfs-mount with a peer and no volume refuses and says how to join', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'no-volume-'));
  const node = new TestNode({ directory, port: 7600, peers: ['127.0.0.1:7433'] });
  try {
    await node.start();
    assert.unreachable('it started');
  } catch (error) {
    assert.match(String(error), 'pfs join');
  }
});

test.run();
