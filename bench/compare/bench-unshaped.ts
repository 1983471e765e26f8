// `make bench-unshaped`: what the transport carries over two virtual interfaces that nothing bounds, beside scp and rsync
// over ssh in turn, and the processor time for a gigabyte beside that of sealing and opening alone. The tools copy a file
// of random bytes between files in memory, with the time they take to connect; the transport's receiver counts bytes.
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { native } from '../../src/addon/addon.ts';
import { HEADER_BYTES, TAG_BYTES } from '../../src/transport/constants.ts';
import { createNamespacePair, type NamespacePair } from '../../test/support/namespaces.ts';
import { countOf, writeResult } from '../arguments.ts';
import { goodput } from '../link/flow.ts';
import { runPacketfs } from '../link/packetfs-flow.ts';
import { markdownTable } from '../markdown-table.ts';
import { median } from '../median.ts';
import { Side } from './side.ts';
import { scp } from './subjects/ssh.ts';
import { overSsh } from './subjects/ssh-tool.ts';
import type { Subject } from './subjects/subject.ts';

const MEMORY = '/dev/shm';
const GROUP = 'group';
const FILE = 'file';
const GIGABYTE = 1e9;
const FILE_BYTES = 2 * GIGABYTE;
const SECONDS = 8;
const SETTLING_SECONDS = 2;
const FIRST_PORT = 7750;
/** So fast that the transport sends its largest blocks. */
const UNBOUND = { name: 'unshaped', bitsPerSecond: 1e11, rttMs: 0, queueBytes: 0, loss: 0, lossBurst: 1 };
/** Of the application, in a packet of 1480 bytes. */
const BODY_BYTES = 1409;
const BATCH_PACKETS = 64;
const AEAD_SECONDS = 1;

const rsyncOverSsh = overSsh({
  name: 'rsync -a, ssh',
  transfer: ({ sides, shell, source, target, group }) =>
    sides.a.run(
      ...['rsync', '-a', '-e', shell.ssh.join(' ')],
      ...[`${join(source, group)}/`, `${shell.host}:${join(target, group)}/`],
    ),
});

interface Carried {
  readonly bytesPerSecond: number;
  /** Of both ends together. */
  readonly cpuSecondsPerGigabyte: number;
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '' }, output: { type: 'string', default: '' } },
});
const rounds = countOf(values.rounds, 3);
let port = FIRST_PORT;

async function transport({ a, b }: NamespacePair): Promise<Carried> {
  const result = await runPacketfs([{ a, b, profile: UNBOUND }], { seconds: SECONDS, port: port++ });
  const bytes = result.samples.reduce((sum, sample) => sum + sample.bytes, 0);
  return {
    bytesPerSecond: goodput(result, SETTLING_SECONDS, SECONDS) / 8,
    cpuSecondsPerGigabyte: (result.cpuSeconds / bytes) * GIGABYTE,
  };
}

/** The file is copied twice, the second time is measured: memory that the system just gave away costs as much again. */
async function copy(subject: Subject, pair: NamespacePair): Promise<Carried> {
  const directory = mkdtempSync(join(MEMORY, 'pfs-unshaped-'));
  const sideOf = (name: 'a' | 'b'): Side =>
    new Side(`pfs-${process.pid}-unshaped-${name}`, pair[name], join(directory, name));
  const sides = { a: sideOf('a'), b: sideOf('b') };
  const usedCpuSeconds = (): number => sides.a.cpuSeconds + sides.b.cpuSeconds;
  try {
    const running = await subject.start(sides);
    writeRandom(join(running.source, GROUP), FILE);
    await running.transfer(GROUP, [FILE]);
    rmSync(join(running.target, GROUP, FILE));
    const cpuBefore = usedCpuSeconds();
    const startedAt = performance.now();
    await running.transfer(GROUP, [FILE]);
    const seconds = (performance.now() - startedAt) / 1000;
    const cpuSeconds = usedCpuSeconds() - cpuBefore;
    await running.stop();
    return { bytesPerSecond: FILE_BYTES / seconds, cpuSecondsPerGigabyte: (cpuSeconds / FILE_BYTES) * GIGABYTE };
  } finally {
    for (const side of Object.values(sides)) await side.remove();
    rmSync(directory, { recursive: true });
  }
}

function writeRandom(directory: string, name: string): void {
  mkdirSync(directory, { recursive: true });
  const file = openSync(join(directory, name), 'w');
  const piece = Buffer.alloc(FILE_BYTES / 100);
  for (let written = 0; written < FILE_BYTES; written += piece.length) writeSync(file, randomFillSync(piece));
  closeSync(file);
}

/** Sealing and opening packets as large as the transport's, on one processor. */
function aeadAlone(): Carried {
  const aead = native.createAead('aes-256-gcm', new Uint8Array(32));
  const packetBytes = HEADER_BYTES + BODY_BYTES + TAG_BYTES;
  const bytes = new Uint8Array(BATCH_PACKETS * packetBytes);
  const indexes = Array.from({ length: BATCH_PACKETS }, (_, index) => index);
  const places = Uint32Array.from(indexes.flatMap((index) => [index * packetBytes, HEADER_BYTES, BODY_BYTES]));
  const numbers = BigUint64Array.from(indexes.map(BigInt));
  const startedAt = performance.now();
  let carried = 0;
  while (performance.now() - startedAt < AEAD_SECONDS * 1000) {
    aead.seal(bytes, places, numbers);
    aead.open(bytes, places, numbers);
    carried += BATCH_PACKETS * BODY_BYTES;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  aead.destroy();
  return { bytesPerSecond: carried / seconds, cpuSecondsPerGigabyte: (seconds / carried) * GIGABYTE };
}

const measured = new Map<string, Carried[]>();
for (let round = 1; round <= rounds; round++) {
  const pair = await createNamespacePair();
  try {
    const take = (name: string, carried: Carried): void => {
      measured.set(name, [...(measured.get(name) ?? []), carried]);
      process.stdout.write(`round ${round}: ${name} ${(carried.bytesPerSecond / 1e6).toFixed(0)} MB/s\n`);
    };
    take('packetfs', await transport(pair));
    for (const subject of [scp, rsyncOverSsh]) take(subject.name, await copy(subject, pair));
    take('AES-256-GCM alone', aeadAlone());
  } finally {
    await pair.remove();
  }
}

const medianOf = (name: string, key: keyof Carried): number =>
  median((measured.get(name) ?? []).map((carried) => carried[key]));
process.stdout.write(
  markdownTable(
    ['', 'MB/s', 'CPU s/GB, both ends', 'packetfs to it'],
    [...measured.keys()].map((name) => [
      name,
      (medianOf(name, 'bytesPerSecond') / 1e6).toFixed(0),
      medianOf(name, 'cpuSecondsPerGigabyte').toFixed(2),
      (medianOf('packetfs', 'bytesPerSecond') / medianOf(name, 'bytesPerSecond')).toFixed(2),
    ]),
    1,
  ),
);
writeResult(values.output, 'unshaped', { date: new Date().toISOString(), measured: Object.fromEntries(measured) });
