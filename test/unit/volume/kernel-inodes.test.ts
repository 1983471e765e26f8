// The packed table of what a kernel holds, against maps, under random changes; and its size.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hybridTime, inodeNumber } from '../../../src/base/units.ts';
import { KernelInodes } from '../../../src/volume/kernel-inodes.ts';
import { seeded } from '../namespace/harness.ts';

const test = suite('kernel inodes');

test('references and versions are those of a pair of maps', () => {
  const seed = Number(process.env['PFS_SEED'] ?? Date.now() % 1_000_000);
  console.log(`PFS_SEED=${seed}`);
  const random = seeded(seed);
  const table = new KernelInodes();
  const references = new Map<bigint, number>();
  const versions = new Map<bigint, bigint>();
  for (let step = 0; step < 60_000; step++) {
    // Few logs and counters, so that inodes come back; phases, so that the table grows and shrinks.
    const inode = inodeNumber((BigInt(random(3)) << 48n) | BigInt(1 + random(3000)));
    const growing = (step / 15_000) % 2 < 1;
    const choice = random(10);
    if (choice < (growing ? 5 : 1)) {
      table.addReference(inode);
      references.set(inode, (references.get(inode) ?? 0) + 1);
    } else if (choice < (growing ? 7 : 2)) {
      const version = hybridTime((BigInt(random(1 << 30)) << 34n) | BigInt(random(5)));
      table.setVersion(inode, version);
      versions.set(inode, version);
    } else {
      const dropped = 1 + random(2);
      const left = (references.get(inode) ?? 0) - dropped;
      assert.is(table.dropReferences(inode, dropped), left <= 0);
      if (left > 0) references.set(inode, left);
      else {
        references.delete(inode);
        versions.delete(inode);
      }
    }
    assert.is(table.isReferenced(inode), references.has(inode));
    if (step % 5000 !== 4999) continue;
    assert.is(table.count, new Set([...references.keys(), ...versions.keys()]).size);
    for (const one of references.keys()) assert.ok(table.isReferenced(inodeNumber(one)));
    for (const [one, version] of versions) {
      assert.ok(table.hasVersion(inodeNumber(one)));
      assert.ok(table.isVersion(inodeNumber(one), hybridTime(version)));
      assert.not(table.isVersion(inodeNumber(one), hybridTime(version ^ (1n << 40n))));
    }
  }
});

test('a version of 0 is a version', () => {
  const table = new KernelInodes();
  const inode = inodeNumber(7);
  assert.not(table.isVersion(inode, hybridTime(0n)));
  table.setVersion(inode, hybridTime(0n));
  assert.ok(table.isVersion(inode, hybridTime(0n)));
});

test('half a million inodes in order take at most 40 bytes each, and their memory goes when they are forgotten', () => {
  const table = new KernelInodes();
  const count = 500_000;
  for (let index = 0; index < count; index++) table.addReference(inodeNumber((1n << 48n) | BigInt(index)));
  assert.is(table.count, count);
  assert.ok(table.byteLength / count <= 40, `${table.byteLength / count} bytes an inode`);
  for (let index = 0; index < count; index++) table.dropReferences(inodeNumber((1n << 48n) | BigInt(index)), 1);
  assert.is(table.count, 0);
  assert.ok(table.byteLength < 100_000, `${table.byteLength} bytes are left`);
});

test.run();
