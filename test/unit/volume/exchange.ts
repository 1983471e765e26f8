// Two volumes that exchange what they have without a network, and what is compared afterwards.
import * as assert from 'uvu/assert';
import { MIB, ROOT_INODE } from '../../../src/base/units.ts';
import { logNameText } from '../../../src/blob/log-name.ts';
import { subtractRanges } from '../../../src/blob/ranges.ts';
import type { VolumePort } from '../../../src/replication/ports.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import { readFile, textOf } from './support.ts';

/** By hand what replication does: every literal the other does not hold, then every batch. Returns raw bytes moved. */
export async function push(from: VolumePort, to: VolumePort): Promise<number> {
  await from.commit();
  const known = new Map(to.logs().map((state) => [logNameText(state.log), state]));
  const rawBytes = await pushLiterals(from, to);
  for (const { log } of from.logs()) {
    const theirs = known.get(logNameText(log));
    const batches = from.readBatches(log, (theirs?.applied ?? 0n) + 1n, 16 * MIB);
    const ahead: { log: typeof log; sequence: bigint }[] = [];
    for (const batch of batches) {
      assert.is(to.readiness(batch.bytes, ahead).kind, 'ready');
      ahead.push({ log, sequence: batch.lastSequence });
    }
    if (batches.length > 0) await to.applyBatches(batches.map((batch) => batch.bytes));
    for (const batch of batches) assert.is(to.readiness(batch.bytes, []).kind, 'applied');
  }
  return rawBytes;
}

/** Only the literals; returns their raw bytes. */
export async function pushLiterals(from: VolumePort, to: VolumePort): Promise<number> {
  let rawBytes = 0;
  const known = new Map(to.logs().map((state) => [logNameText(state.log), state]));
  for (const { log } of from.logs()) {
    for (const range of subtractRanges(from.durableRanges(log), known.get(logNameText(log))?.held ?? [])) {
      for (let start = range.start; start < range.end; ) {
        const literal = await from.packLiteral(
          log,
          { start, end: range.end },
          { rawBytesMax: MIB, level: 3, bases: [] },
        );
        assert.ok(literal);
        const stored = await to.storeLiteral(log, literal.frame, { repair: false });
        assert.equal(stored, { start: literal.start, end: literal.end });
        rawBytes += literal.rawBytes;
        start = literal.end;
      }
    }
  }
  return rawBytes;
}

/** A line for every inode: path, attributes, content. */
export async function treeOf(volume: Volume, inode = ROOT_INODE, prefix = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of volume.fileSystem.readDirectory(inode)) {
    const { mode, uid, gid, size, modified, links } = volume.fileSystem.getAttributes(entry.inode);
    const path = `${prefix}/${textOf(entry.name)}`;
    const isDirectory = (mode & 0o170000) === 0o040000;
    const isFile = (mode & 0o170000) === 0o100000;
    const content = isFile ? Buffer.from(await readFile(volume, textOf(entry.name), inode)).toString('base64') : '';
    lines.push(`${path} ${mode} ${uid} ${gid} ${size} ${modified} ${isDirectory ? 0 : links} ${content}`);
    if (isDirectory) lines.push(...(await treeOf(volume, entry.inode, path)));
  }
  return prefix === '' ? lines.sort() : lines;
}
