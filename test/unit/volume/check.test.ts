// The check finds each kind of damage and names what it touches; a sound volume has no findings.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { inodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import { batchKey, KIND, numberKey, pageKey } from '../../../src/namespace/keys.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';
import { toWire } from '../../../src/wire/long.ts';
import { check, editInode, editRecords, flip, found, OWN_LOG, onlySegment, smallTreeSuite } from './check-support.ts';
import { bytesOf, codeOf, makeDirectory, noise, openTestVolume, writeFile } from './support.ts';

const test = smallTreeSuite('volume/check');

test('a sound volume has no findings, at rest and in use, with and without its data read', async ({ directory }) => {
  for (const verifyData of [false, true]) {
    assert.equal((await check(directory, { verifyData })).findings, []);
    const volume = await openTestVolume(directory);
    await writeFile(volume, `new ${verifyData}`, noise(9, 70_000));
    volume.check.start({ verifyData, addedPhases: [] });
    const outcome = await volume.check.finished();
    assert.is(outcome.state, 'done');
    assert.equal(outcome.state === 'done' && outcome.report.findings, []);
    await volume.close();
  }
});

test('a check changes nothing, and refuses a volume in use', async ({ directory }) => {
  const before = await check(directory);
  assert.is((await check(directory)).commit, before.commit);
  const volume = await openTestVolume(directory);
  assert.is(await codeOf(() => check(directory)), 'PFS_LOCKED');
  await volume.close();
});

test('a killed volume has no findings before and after its recovery', async ({ directory }) => {
  const child = fileURLToPath(new URL('crash-child.ts', import.meta.url));
  const other = makeDirectory();
  try {
    const run = () => execFileSync(process.execPath, ['--import', 'tsx', child, other, '8', 'after a commit']);
    assert.throws(run, /SIGKILL|Command failed/);
    const killed = await check(other, { verifyData: true });
    assert.equal(killed.findings, []);
    assert.ok(
      killed.notes.some((note) => note.includes('in the journal')),
      killed.notes.join(),
    );
    await (await openTestVolume(other)).close();
    assert.equal((await check(other, { verifyData: true })).findings, []);
  } finally {
    fs.rmSync(other, { recursive: true });
  }
  assert.ok(directory);
});

test('what a power cut takes of a segment that nothing has synced is no finding', async () => {
  const [directory, copy] = [makeDirectory(), `${makeDirectory()}-copy`];
  const volume = await openTestVolume(directory);
  await volume.commit();
  const inode = await writeFile(volume, 'file', noise(4, 20_000));
  await volume.fileSystem.fsync(inode); // by the journal
  fs.cpSync(directory, copy, { recursive: true });
  await volume.close();
  for (const damage of [
    (segment: string) => fs.rmSync(`${segment}.data`),
    (segment: string) => fs.rmSync(`${segment}.chunks`),
    (segment: string) => flip(`${segment}.chunks`, 3),
  ]) {
    const cut = `${copy}-cut`;
    fs.cpSync(copy, cut, { recursive: true });
    damage(onlySegment(cut));
    assert.equal(found(await check(cut)), []);
    await (await openTestVolume(cut)).close();
    assert.equal(found(await check(cut, { verifyData: true })), []);
    fs.rmSync(cut, { recursive: true });
  }
  for (const used of [directory, copy]) fs.rmSync(used, { recursive: true });
});

test('a name whose inode is gone', async ({ directory, tree }) => {
  await editRecords(directory, (records) => records.delete(numberKey(KIND.inode, tree.inside)));
  const report = await check(directory);
  assert.ok(found(report).includes('name-inode /folder/inside'), found(report).join());
  assert.ok(found(report).includes('operation-inode /folder/inside'));
  assert.ok(found(report).includes('inode-count '));
});

test('a name that its directory does not have, and one that its inode does not have', async ({ directory, tree }) => {
  await editRecords(directory, (records) => {
    const key = pageKey(KIND.namePage, tree.folder, 0);
    const page = packetfs.NamePage.decode(records.get(key));
    page.name = page.name.map((name) => (Buffer.from(name).toString() === 'inside' ? bytesOf('other') : name));
    records.put(key, packetfs.NamePage.encode(page).finish());
  });
  assert.equal(found(await check(directory)), ['name-stray /folder/other', 'name-missing /folder/inside']);
});

test('a wrong count of subdirectories, and a wrong type beside a name', async ({ directory, tree }) => {
  await editInode(directory, ROOT_INODE, (record) => {
    record.subdirectories += 2;
  });
  await editRecords(directory, (records) => {
    const key = pageKey(KIND.namePage, tree.folder, 0);
    const page = packetfs.NamePage.decode(records.get(key));
    page.type = page.type.map(() => 4);
    records.put(key, packetfs.NamePage.encode(page).finish());
  });
  const findings = found(await check(directory));
  assert.ok(findings.includes('link-count /'), findings.join());
  assert.ok(findings.includes('name-type /folder/inside'), findings.join());
});

test('a directory below itself, and one whose parent is gone', async ({ directory, tree }) => {
  await editInode(directory, tree.folder, (record) => {
    const place = { parent: toWire(tree.folder), name: bytesOf('folder') };
    record.position = { ...record.position, ...place };
    record.links = [{ ...record.links[0], ...place }];
  });
  const codes = (await check(directory)).findings.map(({ code }) => code);
  assert.ok(codes.includes('directory-loop'), codes.join());
  await editInode(directory, tree.folder, (record) => {
    record.position = { ...record.position, parent: toWire(12345n) };
    record.links = [{ ...record.links[0], parent: toWire(12345n), name: bytesOf('folder') }];
  });
  const later = (await check(directory)).findings.map(({ code }) => code);
  assert.ok(later.includes('directory-unreachable') && later.includes('link-parent'), later.join());
});

test('an inode without a name that nothing notes as unlinked, and a note without reason', async ({
  directory,
  tree,
}) => {
  await editInode(directory, tree.inside, (record) => {
    record.links = [];
  });
  await editRecords(directory, (records) => records.put(numberKey(KIND.orphan, tree.file), Uint8Array.of(1)));
  const findings = found(await check(directory));
  assert.ok(findings.includes(`orphan-lost <inode ${tree.inside}>`), findings.join());
  assert.ok(findings.includes('name-stray /folder/inside'), findings.join());
  assert.ok(findings.includes('orphan-stray /file'), findings.join());
});

test('extents that nothing covers, that are beyond the size, that overlap, and a wrong sum', async ({
  directory,
  tree,
}) => {
  await editInode(directory, tree.file, (record) => {
    record.extents = {
      gap: [toWire(0n), toWire(0n)],
      length: [toWire(1000n), toWire(200_000n)],
      addressDelta: [toWire((BigInt(OWN_LOG) << 48n) | 200_000_000n), toWire(0n)],
    };
  });
  await editRecords(directory, (records) => {
    records.put(pageKey(KIND.extentPage, tree.paged, 1), records.get(pageKey(KIND.extentPage, tree.paged, 0)));
  });
  const findings = found(await check(directory));
  for (const code of ['extent-unresolved', 'extent-bounds', 'allocated-bytes']) {
    assert.ok(findings.includes(`${code} /file`), `${code}: ${findings.join()}`);
  }
  for (const code of ['extent-order', 'extent-page']) assert.ok(findings.includes(`${code} /paged`), findings.join());
});

test('pages of extents that are gone, in no index, or of no inode', async ({ directory, tree }) => {
  const stray = inodeNumber((BigInt(OWN_LOG) << 48n) | 999_999n);
  await editRecords(directory, (records) => {
    const page = records.get(pageKey(KIND.extentPage, tree.paged, 0));
    records.delete(pageKey(KIND.extentPage, tree.paged, 1));
    records.put(pageKey(KIND.extentPage, tree.paged, 700), page);
    records.put(pageKey(KIND.extentPage, stray, 0), page);
    records.put(numberKey(KIND.extended, stray), new Uint8Array(0));
  });
  const findings = found(await check(directory));
  assert.is(findings.filter((text) => text === 'extent-page /paged').length, 2, findings.join());
  assert.ok(findings.includes(`extent-page <inode ${stray}>`), findings.join());
  assert.ok(findings.includes(`extended-attributes <inode ${stray}>`), findings.join());
  assert.ok(findings.includes('allocated-bytes /paged'), findings.join());
});

test('extended attributes that are gone, and a record that does not decode', async ({ directory, tree }) => {
  await editRecords(directory, (records) => {
    records.delete(numberKey(KIND.extended, tree.file));
    records.put(numberKey(KIND.inode, tree.inside), Uint8Array.of(0xff, 0xff, 0xff));
  });
  const findings = found(await check(directory));
  assert.ok(findings.includes('extended-attributes /file'), findings.join());
  assert.ok(
    findings.some((text) => text.startsWith('record-undecodable ')),
    findings.join(),
  );
});

test('operations that are gone, commits that are not chained', async ({ directory }) => {
  await editRecords(directory, (records) => records.delete(batchKey(OWN_LOG, 1n)));
  assert.ok(found(await check(directory)).includes('operation-gap '));
  const { commit } = await check(directory);
  await editRecords(directory, (records) => {
    const key = numberKey(KIND.commit, commit);
    const record = packetfs.CommitRecord.decode(records.get(key));
    record.previousHash = new Uint8Array(32);
    records.put(key, packetfs.CommitRecord.encode(record).finish());
    records.put(
      numberKey(KIND.commit, commit - 1n),
      packetfs.CommitRecord.encode({
        number: toWire(commit - 1n),
        chainHash: new Uint8Array(32).fill(1),
        previousHash: new Uint8Array(32),
      }).finish(),
    );
  });
  assert.ok(found(await check(directory)).includes('commit-chain '));
});

test('flipped bits in a chunk table and in data, and files that were cut off', async ({ directory }) => {
  const segment = onlySegment(directory);
  flip(`${segment}.data`, 40_000);
  assert.equal((await check(directory)).findings, []);
  const data = await check(directory, { verifyData: true });
  assert.is(data.findings[0]?.code, 'chunk-data');
  assert.ok(found(data).includes('extent-unresolved /file'), found(data).join());
  flip(`${segment}.data`, 40_000);
  flip(`${segment}.chunks`, 256 + 64 + 30);
  const table = found(await check(directory));
  assert.ok(
    table.some((text) => text.startsWith('table-record blob/')),
    table.join(),
  );
  assert.ok(table.includes('extent-unresolved /file'), table.join());
  flip(`${segment}.chunks`, 256 + 64 + 30);
  fs.truncateSync(`${segment}.data`, 150_000);
  const short = found(await check(directory));
  assert.ok(
    short.some((text) => text.startsWith('segment-short ')),
    short.join(),
  );
  assert.ok(short.includes('extent-unresolved /paged'), short.join());
  fs.rmSync(`${segment}.chunks`);
  assert.ok(found(await check(directory)).some((text) => text.startsWith('segment-missing ')));
});

test.run();
