// What is encoded by hand is what protobufjs makes: decoded and encoded again by it, the bytes are the same; and what
// was put in comes out.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blobAddress, HOLE, hybridTime, inodeNumber, logNumber, nanoseconds } from '../../../src/base/units.ts';
import type { Extent } from '../../../src/extent/extent.ts';
import { decodeMutation, encodeMutation } from '../../../src/namespace/journal-records.ts';
import type { Mutation } from '../../../src/namespace/mutation-types.ts';
import { encodeInode } from '../../../src/namespace/record-writers.ts';
import { decodeInode } from '../../../src/namespace/records.ts';
import { newState } from '../../../src/namespace/state.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';

const test = suite('record writers');

const INODE = inodeNumber(0x0003_0000_0000_0007n);
const PARENT = inodeNumber(1n);
const NAME = Uint8Array.of(0xff, 0x61, 0x0a);
const LONG_NAME = new Uint8Array(255).fill(0x62);
const extents: Extent[] = [
  { offset: 0n, length: 4096n, address: blobAddress(HOLE) },
  { offset: 4096n, length: 16384n, address: blobAddress((3n << 48n) | 77n) },
  { offset: 2n ** 53n, length: 2n ** 60n, address: blobAddress(5n) },
];
const manyExtents = Array.from({ length: 300 }, (_unused, index): Extent => {
  const offset = BigInt(index) * 8192n;
  return { offset, length: 8192n, address: blobAddress(BigInt((index * 7919) % 1000) << 13n) };
});

const mutations: Mutation[] = [
  {
    kind: 'create',
    inode: INODE,
    parent: PARENT,
    name: NAME,
    mode: 0o100644,
    uid: 0,
    gid: 7,
    device: 0,
    target: undefined,
  },
  {
    kind: 'create',
    inode: INODE,
    parent: PARENT,
    name: LONG_NAME,
    mode: 0o120777,
    uid: 4294967294,
    gid: 1,
    device: 0x103,
    target: LONG_NAME,
  },
  {
    kind: 'create',
    inode: INODE,
    parent: PARENT,
    name: undefined,
    mode: 0o100600,
    uid: 1,
    gid: 1,
    device: 0,
    target: undefined,
  },
  { kind: 'link', inode: INODE, parent: PARENT, name: NAME },
  { kind: 'unlink', inode: inodeNumber(0n), parent: PARENT, name: LONG_NAME },
  { kind: 'remove-directory', inode: inodeNumber(0n), parent: PARENT, name: NAME },
  { kind: 'rename', parent: PARENT, name: NAME, newParent: INODE, newName: LONG_NAME, flags: 'exchange' },
  { kind: 'rename', parent: PARENT, name: NAME, newParent: PARENT, newName: NAME, flags: 'replace' },
  { kind: 'attributes', inode: INODE, groups: { mode: 0, uid: 0 } },
  {
    kind: 'attributes',
    inode: INODE,
    groups: { gid: 4294967295, accessed: nanoseconds(-1n), modified: nanoseconds(0n) },
  },
  {
    kind: 'content',
    inode: INODE,
    version: hybridTime(2n ** 63n + 5n),
    change: { size: 2n ** 62n, modified: nanoseconds(1n), replaced: [{ offset: 4096n, length: 16384n }], extents },
  },
  {
    kind: 'content',
    inode: INODE,
    version: hybridTime(1n),
    change: { size: 0n, modified: undefined, replaced: [], extents: manyExtents },
  },
  { kind: 'extended', inode: INODE, name: NAME, value: LONG_NAME },
  { kind: 'extended', inode: INODE, name: NAME, value: new Uint8Array(0) },
  { kind: 'extended', inode: INODE, name: NAME, value: undefined },
  { kind: 'reap', inode: INODE },
  { kind: 'applied', bytes: LONG_NAME },
  { kind: 'log', name: { node: LONG_NAME.subarray(0, 32), epoch: 3 }, number: logNumber(2) },
];

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'bigint') return `${one}n`;
      return ArrayBuffer.isView(one) ? [...(one as Uint8Array)] : one;
    }),
  );
const withoutBuffers = (value: unknown): unknown => plain(structuredClone(value)); // a Buffer becomes a Uint8Array

for (const [index, mutation] of mutations.entries()) {
  test(`mutation ${index} (${mutation.kind}) is encoded as protobufjs does, and comes back`, () => {
    const now = nanoseconds(index % 2 === 0 ? -5n : 1_700_000_000_123_456_789n);
    const bytes = encodeMutation({ now, mutation });
    const again = packetfs.Mutation.encode(packetfs.Mutation.decode(bytes)).finish();
    assert.ok(
      Buffer.from(again).equals(bytes),
      `${Buffer.from(bytes).toString('hex')} is not ${Buffer.from(again).toString('hex')}`,
    );
    assert.equal(withoutBuffers(decodeMutation(bytes)), withoutBuffers({ now, mutation }));
  });
}

test('an inode is encoded as protobufjs does, and comes back', () => {
  const stamp = (sequence: bigint) => ({ clock: hybridTime(2n ** 62n), log: logNumber(3), sequence });
  const state = newState({
    inode: INODE,
    mode: 0o100755,
    uid: 1000,
    gid: 0,
    links: 2,
    device: 0,
    size: 2n ** 62n,
    allocatedBytes: 4096n,
    accessed: nanoseconds(-1n),
    modified: nanoseconds(1_700_000_000_123_456_789n),
    changed: nanoseconds(0n),
    target: undefined,
    contentVersion: hybridTime(2n ** 63n + 1n),
  });
  state.links = [
    { parent: PARENT, name: NAME, stamp: stamp(300n) },
    { parent: INODE, name: LONG_NAME, stamp: undefined },
  ];
  for (const sequences of [undefined, [9n, 9n, 9n, 9n], [1n, 2n ** 60n, 3n, 4n]]) {
    state.replicated = sequences !== undefined;
    const [mode, owner, modified, content] = (sequences ?? []).map(stamp);
    state.stamps = { mode, owner, modified, content };
    state.deadLinks = [
      { link: { parent: PARENT, name: NAME, stamp: stamp(1n) }, removals: [{ log: logNumber(2), sequence: 5n }] },
    ];
    state.edits = [{ log: logNumber(1), sequence: 2n ** 40n }];
    state.removed = stamp(8n);
    state.inlineExtents = extents;
    const bytes = encodeInode(state);
    const again = packetfs.InodeRecord.encode(packetfs.InodeRecord.decode(bytes)).finish();
    assert.ok(Buffer.from(again).equals(bytes));
    const back = decodeInode(INODE, bytes);
    assert.equal(withoutBuffers({ ...back, dirty: true }), withoutBuffers({ ...state, dirty: true }));
  }
});

test.run();
