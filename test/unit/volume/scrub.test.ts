import fs from 'node:fs';
import path from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/base/units.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import type { LiteralSource } from '../../../src/volume/scrub.ts';
import { cleanUp, makeDirectory, noise, openTestVolume, readFile, writeFile } from './support.ts';

const test = suite<{ directory: string; volume: Volume }>('volume/scrub');

test.before.each(async (context) => {
  context.directory = makeDirectory();
  context.volume = await openTestVolume(context.directory);
});
test.after.each(({ directory }) => cleanUp(directory));

function flipByte(directory: string, offset: number): void {
  const [log = ''] = fs.readdirSync(path.join(directory, 'blob'));
  const descriptor = fs.openSync(path.join(directory, 'blob', log, '00000.data'), 'r+');
  const byte = new Uint8Array(1);
  fs.readSync(descriptor, byte, 0, 1, offset);
  fs.writeSync(
    descriptor,
    byte.map((value) => value ^ 1),
    0,
    1,
    offset,
  );
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

test('a sound volume has no findings, and every byte was read', async ({ volume }) => {
  assert.is(volume.scrub.status().state, 'never');
  await writeFile(volume, 'file', noise(1, 400_000));
  volume.scrub.start({ repair: false });
  const outcome = await volume.scrub.finished();
  assert.is(outcome.state, 'done');
  assert.is(outcome.bytesDone, 400_000);
  assert.is(outcome.bytesTotal, 400_000);
  assert.equal(outcome.findings, []);
});

test('a flipped byte is found, its files are named, damage nobody refers to has no name', async ({
  volume,
  directory,
}) => {
  await writeFile(volume, 'sound', noise(2, 100_000));
  await writeFile(volume, 'hit', noise(3, 100_000));
  await writeFile(volume, 'copy of hit', noise(3, 100_000));
  await volume.commit();
  flipByte(directory, 150_000);
  volume.scrub.start({ repair: false });
  const outcome = await volume.scrub.finished();
  assert.is(outcome.state, 'done');
  assert.is(outcome.findings.length, 1);
  assert.equal(outcome.findings[0]?.paths, ['/copy of hit', '/hit']);
  assert.is(outcome.findings[0]?.reason, 'data');
  assert.is(outcome.findings[0]?.repaired, false);
});

test('repair fetches the damaged chunk from a peer, and the next scrub is clean', async ({ volume, directory }) => {
  const otherDirectory = makeDirectory();
  const other = await openTestVolume(otherDirectory, { node: 'node b' });
  try {
    await writeFile(volume, 'file', noise(4, 200_000));
    const { log } = await volume.replica.commit();
    for (const range of volume.replica.durableRanges(log)) {
      const literal = await volume.replica.packLiteral(log, range, { rawBytesMax: MIB, level: 3, bases: [] });
      assert.ok(literal);
      await other.replica.storeLiteral(log, literal.frame, { repair: false });
    }
    flipByte(directory, 77_777);
    const fetch: LiteralSource = async (name, range) =>
      (await other.replica.packLiteral(name, range, { rawBytesMax: MIB, level: 3, bases: [] }))?.frame;
    volume.scrub.start({ repair: true, fetch });
    const outcome = await volume.scrub.finished();
    assert.equal(
      outcome.findings.map((finding) => finding.repaired),
      [true],
    );
    assert.equal(await readFile(volume, 'file'), noise(4, 200_000));
    volume.scrub.start({ repair: false });
    assert.equal((await volume.scrub.finished()).findings, []);
  } finally {
    await other.close();
    fs.rmSync(otherDirectory, { recursive: true });
  }
});

test('what no peer has stays a finding, and a source that fails does not end the scrub', async ({
  volume,
  directory,
}) => {
  await writeFile(volume, 'file', noise(5, 100_000));
  await volume.commit();
  flipByte(directory, 10);
  volume.scrub.start({ repair: true, fetch: () => Promise.resolve(undefined) });
  assert.is((await volume.scrub.finished()).findings[0]?.repaired, false);
  volume.scrub.start({ repair: true, fetch: () => Promise.reject(new Error('unreachable')) });
  const outcome = await volume.scrub.finished();
  assert.is(outcome.state, 'done');
  assert.is(outcome.findings[0]?.repaired, false);
});

test('a second start joins the scrub that runs', async ({ volume }) => {
  await writeFile(volume, 'file', noise(6, 100_000));
  volume.scrub.start({ repair: false });
  assert.is(volume.scrub.start({ repair: true, fetch: () => Promise.resolve(undefined) }).repair, false);
  assert.is((await volume.scrub.finished()).state, 'done');
});

test.run();
