// The packed table of a directory's names against a list, under random changes; its size and its speed per change.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inodeNumber } from '../../../src/base/units.ts';
import { NameTable } from '../../../src/namespace/name-table.ts';
import { bytes, seeded, text } from './harness.ts';

const test = suite('name table');

const FILE_TYPE = 0o100000;
const PAGE_NAMES = 128;

const entryText = (name: Uint8Array, inode: bigint, type: number): string => `${text(name)} ${inode} ${type}`;

test('random additions and removals leave what a list of them holds', () => {
  const seed = Number(process.env['PFS_SEED'] ?? Date.now() % 1_000_000);
  console.log(`PFS_SEED=${seed}`);
  const random = seeded(seed);
  const table = new NameTable();
  const model: { key: string; inode: bigint; type: number; page: number }[] = [];
  for (let step = 0; step < 12_000; step++) {
    // Phases of growing and shrinking, so that the arrays are rebuilt both ways.
    const growing = (step / 2000) % 2 < 1;
    if (model.length === 0 || random(10) < (growing ? 7 : 3)) {
      const key = `${'n'.repeat(random(30))}${random(3000)}`;
      const inode = inodeNumber((BigInt(random(40_000)) << 48n) | BigInt(step));
      const type = random(2) === 0 ? FILE_TYPE : 0o040000;
      const page = random(table.pageCount + 1);
      if (page === table.pageCount) table.addPage();
      const isCrowded = model.some((one) => one.key === key);
      assert.is(table.add(bytes(key), { inode, type }, page), isCrowded);
      model.push({ key, inode, type, page });
    } else {
      const [gone] = model.splice(random(model.length), 1);
      if (gone === undefined) throw new Error('the model is not empty');
      assert.is(table.remove(bytes(gone.key), inodeNumber(gone.inode)), gone.page);
    }
    if (step % 1000 === 999) compare(table, model);
  }
});

function compare(table: NameTable, model: readonly { key: string; inode: bigint; type: number; page: number }[]): void {
  const textOf = ({ key, inode, type }: { key: string; inode: bigint; type: number }) => `${key} ${inode} ${type}`;
  const pages: string[][] = Array.from({ length: table.pageCount }, () => []);
  const inodes = new Map<string, bigint[]>();
  for (const one of model) {
    pages[one.page]?.push(textOf(one));
    inodes.set(one.key, [...(inodes.get(one.key) ?? []), one.inode]);
  }
  assert.is(table.size, model.length);
  assert.equal(
    Array.from(table.listing(), (one) => entryText(one.name, one.inode, one.mode)),
    pages.flat(),
  );
  pages.forEach((wanted, page) => {
    const found = table.inPage(page).map((one) => entryText(one.name, one.inode, one.type));
    assert.equal(found, wanted, 'a page keeps the order in which names came');
    assert.is(table.countIn(page), wanted.length);
  });
  for (const [key, wanted] of inodes) {
    const found = new Set<bigint>(table.all(bytes(key)).map(({ inode }) => inode));
    assert.equal(found, new Set(wanted));
    assert.ok(found.has(table.find(bytes(key))?.inode ?? 0n));
  }
  assert.is(table.find(bytes('not there')), undefined);
}

function fill(count: number): NameTable {
  const table = new NameTable();
  for (let index = 0; index < count; index++) {
    const page = Math.floor(index / PAGE_NAMES);
    if (page === table.pageCount) table.addPage();
    table.add(
      bytes(`file-${String(index).padStart(8, '0')}.dat`),
      { inode: inodeNumber(index + 2), type: FILE_TYPE },
      page,
    );
  }
  return table;
}

test('a name of 17 bytes takes less than 100', () => {
  const count = 300_000;
  const perName = fill(count).byteLength / count;
  assert.ok(perName < 100, `${perName} bytes a name`);
});

test('memory goes with the names', () => {
  const table = fill(100_000);
  const full = table.byteLength;
  for (let index = 0; index < 99_990; index++) {
    table.remove(bytes(`file-${String(index).padStart(8, '0')}.dat`), inodeNumber(index + 2));
  }
  assert.ok(table.byteLength < full / 50, `${table.byteLength} of ${full} bytes stay`);
});

test.run();
