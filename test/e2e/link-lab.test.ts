// The link lab as a user and the bench have it: real namespaces, devices and relays. The model of a link itself is tested
// under a virtual clock (test/native/emulated_direction_test.cc).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { goodput } from '../../bench/link/flow.ts';
import { type EmulatedLink, findLab, type LinkLab, raiseLab } from '../../bench/link/lab.ts';
import { packetfsFairFlow, packetfsFlow, packetfsLimitedFlow } from '../../bench/link/packetfs-flow.ts';
import { profileNamed } from '../../bench/link/profiles.ts';
import { insideNamespace } from '../support/namespaces.ts';
import { type CommandResult, run, runChecked, waitFor } from '../support/process.ts';

const COMMAND = fileURLToPath(new URL('../../bench/link/link.ts', import.meta.url));
/** Sends one datagram to an address and port. */
const SENDER = `
  const socket = require('dgram').createSocket('udp4');
  socket.send(Buffer.alloc(1000), 7000, process.argv[1], (error) => { socket.close(); process.exitCode = error ? 1 : 0; });
`;
/** Sends a datagram to an echo of its own at the other end, and prints how long the answer took, in milliseconds. */
const PING = `
  const socket = require('dgram').createSocket('udp4');
  const startedAt = process.hrtime.bigint();
  socket.on('message', () => { console.log(Number(process.hrtime.bigint() - startedAt) / 1e6); socket.close(); });
  socket.send(Buffer.alloc(100), 7001, process.argv[1]);
  setTimeout(() => process.exit(1), 1000).unref();
`;
const ECHO = `
  const socket = require('dgram').createSocket('udp4');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address, () => socket.close()));
  socket.bind(7001, process.argv[1], () => console.log('ready'));
`;

const nameOf = (test: string): string => `pfs-${process.pid}-${test}`;

async function withLab(
  test: string,
  profiles: readonly string[],
  body: (lab: LinkLab) => Promise<void>,
): Promise<void> {
  const lab = await raiseLab(nameOf(test), { profiles: profiles.map(profileNamed), seed: 1 });
  try {
    await body(lab);
  } finally {
    await lab.remove();
  }
}

function linkOf(lab: LinkLab, index = 0): EmulatedLink {
  const link = lab.links[index];
  if (link === undefined) throw new Error('the lab has this link');
  return link;
}

function script(end: EmulatedLink['a'], code: string, address: string): Promise<CommandResult> {
  const [command = '', ...parameters] = insideNamespace(end, [process.execPath, '-e', code, address]);
  return run(command, parameters);
}

async function sendFromA(link: EmulatedLink): Promise<void> {
  assert.is((await script(link.a, SENDER, link.b.address)).code, 0);
}

test('a datagram crosses the link of its address alone, and takes no less than the RTT there and back', async () => {
  await withLab('cross', ['wan', 'lossy'], async (lab) => {
    const [wan, lossy] = [linkOf(lab, 0), linkOf(lab, 1)];
    const echo = script(wan.b, ECHO, wan.b.address);
    let answer = await script(wan.a, PING, wan.b.address);
    // The echo may not have been there yet.
    for (let attempt = 0; answer.code !== 0 && attempt < 20; attempt++)
      answer = await script(wan.a, PING, wan.b.address);
    assert.ok(Number(answer.stdout) >= wan.profile.rttMs, `${answer.stdout} ms`);
    assert.is((await echo).code, 0);
    assert.ok((await wan.counters()).b.deliveredPackets >= 1);
    assert.is((await lossy.counters()).a.offeredPackets, 0);
  });
});

test('a cut link passes nothing and says so; restored, it passes again', async () => {
  await withLab('cut', ['wan'], async (lab) => {
    const link = linkOf(lab);
    await link.set('a', { cut: 1 });
    await sendFromA(link);
    const cut = await link.counters();
    assert.is(cut.a.cutDrops, 1);
    assert.is(cut.a.deliveredPackets, 0);
    await link.set('a', { cut: 0, delay: 0 });
    await sendFromA(link);
    await waitFor('the datagram to arrive', async () => (await link.counters()).a.deliveredPackets === 1 || undefined);
  });
});

test('the transport delivers over a link that loses packets, and the link accounts for every packet', async () => {
  await withLab('transfer', ['lossy'], async (lab) => {
    const link = linkOf(lab);
    await link.set('ab', { loss: 0.05, delay: 5 });
    const result = await packetfsFlow.run(link, { seconds: 2, port: 7002 });
    assert.ok(goodput(result, 0, 2) > 0);
    assert.ok((result.retransmitted ?? 0) > 0.01, `${result.retransmitted} sent again`);
    const { a } = await link.counters();
    assert.ok(a.lost > 0);
    assert.ok(a.offeredPackets >= a.deliveredPackets + a.lost + a.queueDrops);
  });
});

test('a maximum rate bounds the bytes that leave the node, handshake and all, and is used', async () => {
  await withLab('limit', ['wan'], async (lab) => {
    const link = linkOf(lab);
    const [bytesPerSecond, seconds] = [500_000, 4];
    const { samples } = await packetfsLimitedFlow(bytesPerSecond).run(link, { seconds, port: 7003 });
    // From the first packet of the connection to its last.
    const tookSeconds = samples.at(-1)?.atSeconds ?? 0;
    const { offeredBytes } = (await link.counters()).a;
    assert.ok(offeredBytes < 1.02 * bytesPerSecond * tookSeconds + 50_000, `${offeredBytes} bytes in ${tookSeconds} s`);
    assert.ok(offeredBytes > 0.7 * bytesPerSecond * seconds, `${offeredBytes} bytes`);
  });
});

test('the fair profile delivers over a real link', async () => {
  await withLab('fair', ['lossy'], async (lab) => {
    const result = await packetfsFairFlow.run(linkOf(lab), { seconds: 2, port: 7004 });
    assert.ok(goodput(result, 0, 2) > 0);
  });
});

test('wrong requests are refused with what to do, and change nothing', async () => {
  const link = (...parameters: string[]) => run(process.execPath, [...process.execArgv, COMMAND, ...parameters]);
  const expectRefusal = async (parameters: string[], message: RegExp) => {
    const { code, stderr } = await link(...parameters);
    assert.is(code, 1);
    assert.match(stderr, message);
  };
  await expectRefusal(['up', 'fast'], /no profile; these are: lan, /);
  await expectRefusal(['counters', '--name', nameOf('none')], /no lab ".*-none" is up/);
  await expectRefusal([], /^usage: link up/);
  await expectRefusal(['up', '--name', nameOf('none')], /say which link/);
  await withLab('refuse', ['lan'], async (lab) => {
    const name = ['--name', lab.name];
    await expectRefusal(['up', 'lan', ...name], /is up already/);
    await expectRefusal(['set', 'ab', 'loss=2', ...name], /not a condition: loss=2/);
    await expectRefusal(['set', 'ab', 'speed=2', ...name], /not a condition: speed=2/);
    await expectRefusal(['cut', '--link', '1', ...name], /has links 0 to 0/);
    await sendFromA(linkOf(lab));
    assert.is((await linkOf(lab).counters()).a.lost, 0);
  });
});

test('a lab that was raised by one command is taken down by another, and leaves nothing', async () => {
  const name = nameOf('command');
  const link = (...parameters: string[]) =>
    runChecked(process.execPath, [...process.execArgv, COMMAND, ...parameters, '--name', name]);
  assert.match(await link('up', 'bad'), /10\.84\.0\.2/);
  await link('set', 'b', 'rate=1000000', 'queue=5000');
  assert.match(await link('counters'), /"queueDrops": 0/);
  await link('down');
  assert.not.match(await runChecked('ip', ['netns', 'list']), name);
  assert.not.ok(existsSync(`/run/pfs-link/${name}`));
});

test('a lab whose relay was killed is taken down all the same', async () => {
  const name = nameOf('killed');
  await raiseLab(name, { profiles: [profileNamed('wan')], seed: 1 });
  const relay = readdirSync('/proc').find((pid) => /^[0-9]+$/.test(pid) && commandOf(pid).includes(`/${name}/0.sock`));
  process.kill(Number(relay), 'SIGKILL');
  await waitFor('the relay to be gone', () => commandOf(String(relay)) === '' || undefined);
  await findLab(name).remove();
  assert.not.match(await runChecked('ip', ['netns', 'list']), name);
  assert.not.ok(existsSync(`/run/pfs-link/${name}`));
});

/** Empty for a process that has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test.run();
