// A real namespace in a temporary directory, with a clock that the test moves and checks that depend on the global
// addresses only, as the real ones depend on the bytes.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressLog,
  addressPosition,
  blobAddress,
  type InodeNumber,
  milliseconds,
  type Nanoseconds,
  nanoseconds,
  ROOT_INODE,
} from '../../../src/base/units.ts';
import type { Extent } from '../../../src/extent/extent.ts';
import { NamespaceCheck } from '../../../src/namespace/check/check-namespace.ts';
import { openNamespace } from '../../../src/namespace/open.ts';
import type { NameEntry, Namespace } from '../../../src/namespace/types.ts';

export const START_NS = 1_700_000_000_123_456_789n;

/** Listings have no order that means anything. */
export const sorted = (listing: Iterable<NameEntry>): NameEntry[] =>
  [...listing].sort((left, right) => Buffer.compare(left.name, right.name));

export class TestNode {
  readonly directory = mkdtempSync(join(tmpdir(), 'pfs-namespace-'));
  readonly node: Uint8Array;
  wall = START_NS;
  #namespace: Namespace | undefined;
  /** Bytes appended to the own log, as a blob would. */
  position = 0;

  constructor(seed: number) {
    this.node = createHash('sha256').update(`node ${seed}`).digest();
  }

  get namespace(): Namespace {
    if (this.#namespace === undefined) throw new Error('open first');
    return this.#namespace;
  }

  async open(options: { cachedBytesMax?: number } = {}): Promise<Namespace> {
    this.#namespace = await openNamespace({
      directory: this.directory,
      node: this.node,
      clock: { monotonic: () => milliseconds(0), wall: () => this.#now() },
      hash: (bytes) => createHash('sha256').update(bytes).digest(),
      checkOfRuns: (runs) => this.#check(runs),
      ...options,
    });
    return this.#namespace;
  }

  #now(): Nanoseconds {
    this.wall += 1000n;
    return nanoseconds(this.wall);
  }

  async commit(): Promise<void> {
    await this.namespace.freeze()?.write([]);
  }

  /** `length` new bytes at `offset` of a file. */
  append(offset: bigint, length: number): Extent {
    const address = blobAddress((BigInt(this.namespace.ownLog.number) << 48n) | BigInt(this.position));
    this.position += length;
    return { offset, length: BigInt(length), address };
  }

  /** Copies of all durable batches. */
  batches(): Uint8Array[] {
    const { number } = this.namespace.ownLog;
    return this.namespace.batchesFrom(number, 1n, 1 << 30).map(({ bytes }) => Uint8Array.from(bytes));
  }

  #check(runs: BigUint64Array): bigint {
    const hash = createHash('sha256');
    for (let index = 0; index < runs.length; index += 2) {
      const address = blobAddress(runs[index] ?? 0n);
      const log = this.namespace.log(addressLog(address));
      hash.update(`${Buffer.from(log?.node ?? []).toString('hex')} ${log?.epoch} `);
      hash.update(`${addressPosition(address)} ${runs[index + 1]};`);
    }
    return hash.digest().readBigUInt64LE(0);
  }

  async remove(): Promise<void> {
    await this.#namespace?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What `pfs check` finds in the last commit; every address is taken to be held. */
export async function findingsOf(node: TestNode): Promise<string[]> {
  const source = node.namespace.snapshot();
  const findings: string[] = [];
  const check = new NamespaceCheck({
    source,
    clock: { monotonic: () => milliseconds(0), wall: () => nanoseconds(0n) },
    signal: new AbortController().signal,
    onFinding: ({ code, inode, name, detail }) => findings.push(`${code} ${inode ?? ''} ${name ?? ''}: ${detail}`),
    onProgress: () => undefined,
    holds: () => true,
  });
  try {
    await check.commits();
    await check.inodes();
    await check.tree();
    await check.operations();
  } finally {
    await source.close();
  }
  return findings;
}

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const text = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

export const FILE = 0o100644;
export const DIRECTORY = 0o040755;

export function makeFile(namespace: Namespace, name: string, parent: InodeNumber = ROOT_INODE) {
  return namespace.createInode({ parent, name: bytes(name), mode: FILE, uid: 0, gid: 0 });
}

export function makeDirectory(namespace: Namespace, name: string, parent: InodeNumber = ROOT_INODE) {
  return namespace.createInode({ parent, name: bytes(name), mode: DIRECTORY, uid: 0, gid: 0 });
}

/** The whole tree as text: equal for equal trees, whatever the local numbers of inodes and logs. */
export function treeText(namespace: Namespace): string {
  const lines: string[] = [];
  const identities = new Map<InodeNumber, number>();
  const walk = (inode: InodeNumber, path: string): void => {
    const record = namespace.inode(inode);
    if (record === undefined) throw new Error(`${path} leads to no inode`);
    if (!identities.has(inode)) identities.set(inode, identities.size);
    const attributes = namespace
      .extendedAttributeNames(inode)
      .map((name) => `${text(name)}=${text(namespace.extendedAttribute(inode, name) ?? bytes('?'))}`)
      .sort();
    const extents = namespace.extents(inode).map((extent) => {
      const log = namespace.log(addressLog(extent.address));
      const where =
        log === undefined ? 'hole' : `${text(log.node).slice(0, 4)}-${log.epoch}:${addressPosition(extent.address)}`;
      return `${extent.offset}+${extent.length}@${where}`;
    });
    const { mode, uid, gid, links, size, allocatedBytes, modified } = record;
    const target = record.target === undefined ? '' : text(record.target);
    lines.push(
      `${path} #${identities.get(inode)} ${mode.toString(8)} ${uid}:${gid} ${links} ${size}/${allocatedBytes} ${modified} ${target} [${attributes}] [${extents}]`,
    );
    if ((mode & 0o170000) !== 0o040000) return;
    for (const entry of sorted(namespace.readDirectory(inode))) {
      const found = namespace.lookup(inode, entry.name);
      if (found?.inode !== entry.inode) throw new Error(`${path}/${text(entry.name)} is listed but not found`);
      walk(entry.inode, `${path}/${text(entry.name)}`);
    }
  };
  walk(ROOT_INODE, '');
  return lines.join('\n');
}

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
