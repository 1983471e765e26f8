// Repair: each kind of damage that can be put right is, nothing else changes, what was there before is saved, and a
// second look finds nothing.
import fs from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { inodeNumber, MIB, ROOT_INODE } from '../../../src/base/units.ts';
import { KIND, numberKey, pageKey } from '../../../src/namespace/keys.ts';
import type { CheckReport } from '../../../src/volume/check/run-check.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import type { LiteralSource } from '../../../src/volume/scrub.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';
import { toWire } from '../../../src/wire/long.ts';
import {
  check,
  editInode,
  editRecords,
  flip,
  found,
  OWN_LOG,
  onlySegment,
  type SmallTree,
  smallTreeSuite,
} from './check-support.ts';
import { bytesOf, makeDirectory, namesIn, noise, openTestVolume, readInode, textOf } from './support.ts';

const test = smallTreeSuite('volume/check-repair');

async function repairOpen(volume: Volume, fetch?: LiteralSource): Promise<CheckReport> {
  volume.check.start({ verifyData: false, addedPhases: [], repair: { fetch } });
  const outcome = await volume.check.finished();
  if (outcome.state !== 'done') throw new Error(outcome.state === 'failed' ? outcome.reason : outcome.state);
  return outcome.report;
}

/** Opens, repairs, asserts that all findings were repaired, and that a check at rest finds nothing. */
async function repairAll(directory: string, look: (volume: Volume) => Promise<void> | void): Promise<CheckReport> {
  assert.ok((await check(directory)).findingCount > 0, 'the damage is found');
  const volume = await openTestVolume(directory);
  const report = await repairOpen(volume);
  const left = report.findings
    .filter(({ repaired }) => !repaired)
    .map(({ code, path: at, detail }) => [code, at, detail]);
  assert.equal(left, []);
  assert.is(report.findingCount, 0);
  assert.ok(report.repairs.length > 0 || report.findings.length > 0);
  await look(volume);
  await volume.close();
  assert.equal(found(await check(directory, { verifyData: true })), []);
  const again = await openTestVolume(directory);
  await look(again);
  await again.close();
  return report;
}

async function assertSmallTree(volume: Volume, tree: SmallTree): Promise<void> {
  assert.equal(namesIn(volume), ['file', 'folder', 'paged']);
  assert.equal(namesIn(volume, tree.folder), ['inside', 'second name']);
  assert.is(volume.fileSystem.lookup(tree.folder, bytesOf('second name')).inode, tree.file);
  assert.equal(await readInode(volume, tree.file), noise(1, 100_000));
  assert.equal(await readInode(volume, tree.inside), noise(2, 50_000));
  const paged = await readInode(volume, tree.paged);
  assert.equal(paged.subarray(0, 1000), noise(3, 1000));
  assert.equal(paged.subarray(299 * 65_536), noise(399, 500));
  assert.is(volume.fileSystem.getAttributes(tree.file).links, 2);
  assert.is(volume.fileSystem.getAttributes(ROOT_INODE).links, 3);
  assert.is(textOf(volume.fileSystem.getExtendedAttribute(tree.file, bytesOf('user.a'))), 'value');
}

test('a lost record of a file comes back from the operations that made it', async ({ directory, tree }) => {
  await editRecords(directory, (records) => {
    records.delete(numberKey(KIND.inode, tree.file));
    records.put(numberKey(KIND.inode, tree.inside), Uint8Array.of(0xff, 0xff, 0xff));
    records.delete(numberKey(KIND.extended, tree.file));
  });
  const report = await repairAll(directory, (volume) => assertSmallTree(volume, tree));
  assert.ok(
    report.repairs.some((what) => what.includes('restored from the operations')),
    report.repairs.join(),
  );
});

test('a mount is told what a repair changed', async ({ directory, tree }) => {
  await editRecords(directory, (records) => records.delete(numberKey(KIND.inode, tree.file)));
  const volume = await openTestVolume(directory);
  const told: bigint[] = [];
  volume.fileSystem.onInvalidate({ invalidate: ({ inodes }) => told.push(...inodes), queuedCount: () => 0 });
  await repairOpen(volume);
  assert.ok(told.includes(tree.file));
  await volume.close();
});

test('a lost record of a directory comes back with all that is in it', async ({ directory, tree }) => {
  await editRecords(directory, (records) => records.delete(numberKey(KIND.inode, tree.folder)));
  await repairAll(directory, (volume) => assertSmallTree(volume, tree));
});

test('names, counts and types that do not fit are derived anew', async ({ directory, tree }) => {
  await editRecords(directory, (records) => {
    const key = pageKey(KIND.namePage, tree.folder, 0);
    const page = packetfs.NamePage.decode(records.get(key));
    page.name = page.name.map((name) => (textOf(name) === 'inside' ? bytesOf('other') : name));
    page.type = page.type.map(() => 4);
    records.put(key, packetfs.NamePage.encode(page).finish());
    records.delete(pageKey(KIND.namePage, ROOT_INODE, 0));
    records.put(numberKey(KIND.orphan, tree.file), Uint8Array.of(1));
  });
  await editInode(directory, ROOT_INODE, (record) => {
    record.subdirectories += 2;
  });
  await editInode(directory, tree.inside, (record) => {
    record.allocatedBytes = toWire(5n);
  });
  await repairAll(directory, (volume) => assertSmallTree(volume, tree));
});

test('extents that are gone or wrong come back from the operation that wrote them', async ({ directory, tree }) => {
  const stray = inodeNumber((BigInt(OWN_LOG) << 48n) | 999_999n);
  await editRecords(directory, (records) => {
    records.put(pageKey(KIND.extentPage, stray, 0), records.get(pageKey(KIND.extentPage, tree.paged, 0)));
    records.put(pageKey(KIND.extentPage, tree.paged, 1), records.get(pageKey(KIND.extentPage, tree.paged, 0)));
    records.put(pageKey(KIND.extentPage, tree.paged, 700), records.get(pageKey(KIND.extentPage, tree.paged, 0)));
    records.delete(pageKey(KIND.extentPage, tree.paged, 2));
  });
  await editInode(directory, tree.file, (record) => {
    record.extents = { gap: [toWire(0n)], length: [toWire(500_000n)], addressDelta: [toWire(BigInt(OWN_LOG) << 48n)] };
  });
  await repairAll(directory, (volume) => assertSmallTree(volume, tree));
});

test('pages that do not decode go, and what they said is derived', async ({ directory, tree }) => {
  await editRecords(directory, (records) => {
    const broken = Uint8Array.of(0xff, 0xff, 0xff);
    records.put(pageKey(KIND.namePage, ROOT_INODE, 0), broken);
    records.put(pageKey(KIND.extentPage, tree.paged, 1), broken);
    records.put(numberKey(KIND.extended, tree.file), broken);
  });
  await repairAll(directory, (volume) => assertSmallTree(volume, tree));
});

test('what nothing names is put where it is found, and what was there before is saved', async ({ directory, tree }) => {
  await editInode(directory, tree.inside, (record) => {
    record.links = [];
  });
  await repairAll(directory, async (volume) => {
    const lost = volume.fileSystem.lookup(ROOT_INODE, bytesOf('.pfs-lost')).inode;
    assert.equal(namesIn(volume, lost), [`inode-${tree.inside}`]);
    assert.equal(await readInode(volume, tree.inside), noise(2, 50_000));
    assert.equal(namesIn(volume, tree.folder), ['second name']);
  });
  const [saved = ''] = fs.readdirSync(path.join(directory, 'repairs'));
  const lines = fs.readFileSync(path.join(directory, 'repairs', saved), 'utf8');
  assert.match(lines, numberKey(KIND.inode, tree.inside).toString('hex'));
  assert.match(lines, '.pfs-lost');
});

test('a directory below itself is taken out of the loop with all that is in it', async ({ directory, tree }) => {
  await editInode(directory, tree.folder, (record) => {
    const place = { parent: toWire(tree.folder), name: bytesOf('folder') };
    record.position = { ...record.position, ...place };
    record.links = [{ ...record.links[0], ...place }];
  });
  await repairAll(directory, (volume) => {
    const lost = volume.fileSystem.lookup(ROOT_INODE, bytesOf('.pfs-lost')).inode;
    assert.equal(namesIn(volume, lost), [`inode-${tree.folder}`]);
    assert.equal(namesIn(volume, tree.folder), ['inside', 'second name']);
  });
});

test('peers hear nothing of restored records, and apply what comes after them', async ({ directory, tree }) => {
  const otherDirectory = makeDirectory();
  const other = await openTestVolume(otherDirectory, { node: 'node b' });
  try {
    let volume = await openTestVolume(directory);
    await replicate(volume, other);
    await volume.close();
    await editRecords(directory, (records) => {
      records.delete(numberKey(KIND.inode, tree.folder));
      records.delete(numberKey(KIND.inode, tree.file));
    });
    volume = await openTestVolume(directory);
    const { log, sequence } = await volume.replica.commit();
    assert.is((await repairOpen(volume)).findingCount, 0);
    assert.is((await volume.replica.commit()).sequence, sequence);
    assert.equal(volume.replica.readBatches(log, sequence + 1n, MIB), []);
    await volume.fileSystem.rename({
      parent: tree.folder,
      name: bytesOf('second name'),
      newParent: ROOT_INODE,
      newName: bytesOf('third name'),
      flags: 'replace',
    });
    await replicate(volume, other);
    assert.equal(namesIn(other), ['file', 'folder', 'paged', 'third name']);
    assert.equal(
      await readInode(other, other.fileSystem.lookup(ROOT_INODE, bytesOf('third name')).inode),
      noise(1, 100_000),
    );
    await volume.close();
  } finally {
    await other.close();
    fs.rmSync(otherDirectory, { recursive: true });
  }
});

/** All bytes and operations of one volume's own logs to another. */
async function replicate(from: Volume, to: Volume): Promise<void> {
  await from.replica.commit();
  for (const { log } of from.replica.logs()) {
    for (const range of from.replica.durableRanges(log)) {
      for (let start = range.start; start < range.end; ) {
        const literal = await from.replica.packLiteral(
          log,
          { start, end: range.end },
          { rawBytesMax: MIB, level: 3, bases: [] },
        );
        assert.ok(literal);
        await to.replica.storeLiteral(log, literal.frame, { repair: false });
        start = literal.end;
      }
    }
    await to.replica.applyBatches(
      from.replica.readBatches(log, 1n, 64 * MIB).map(({ bytes }) => Uint8Array.from(bytes)),
    );
  }
}

test('bytes that are damaged come from a peer; without one they stay a finding', async ({ directory, tree }) => {
  const otherDirectory = makeDirectory();
  let volume = await openTestVolume(directory);
  const other = await openTestVolume(otherDirectory, { node: 'node b' });
  try {
    await replicate(volume, other);
    await volume.close();
    flip(`${onlySegment(directory)}.chunks`, 256 + 64 + 30);
    volume = await openTestVolume(directory);
    assert.ok((await repairOpen(volume)).findingCount > 0);
    const fetch: LiteralSource = async (name, range) =>
      (await other.replica.packLiteral(name, range, { rawBytesMax: MIB, level: 3, bases: [] }))?.frame;
    const report = await repairOpen(volume, fetch);
    assert.is(report.findingCount, 0, found(report).join());
    assert.ok(report.repairs.some((what) => what.includes('from a peer')));
    assert.equal(await readInode(volume, tree.file), noise(1, 100_000));
    await volume.close();
  } finally {
    await other.close();
    fs.rmSync(otherDirectory, { recursive: true });
  }
});

test.run();
