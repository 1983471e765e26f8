// A reader at a peer sees an old or a new version of a file that is rewritten in place elsewhere, never a mixture:
// histories of concurrent readers, by read(2), by mappings, by a descriptor kept open. And what is appended elsewhere
// reaches a reader who has the file open.
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestNode } from '../support/cluster.ts';
import { run, waitFor } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const SECONDS = 8;
const MODES = ['whole', 'pieces', 'mapped', 'held'] as const;
const READER = new URL('../support/version_reader.py', import.meta.url).pathname;
const VERSIONS_MAX = 200;

interface History {
  readonly reads: number;
  readonly versions: number;
  readonly wrong: readonly string[];
}

/** As version_reader.py knows a version: its number repeated, and each longer than the last. */
const version = (number: number): Buffer => Buffer.alloc(600_000 + number * 1_000, number);

/** By one write(2), which no automatic version of an open file can cut in two. */
function rewrite(path: string, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  assert.is(writeSync(file, bytes, 0, bytes.length, 0), bytes.length);
  closeSync(file);
}

async function readHistory(node: TestNode, mode: (typeof MODES)[number]): Promise<History> {
  const { code, stdout, stderr } = await run('python3', [READER, node.at('file'), String(SECONDS), mode]);
  assert.is(code, 0, stderr);
  return JSON.parse(stdout) as History;
}

const test = suite('versions');

test(
  'readers at a peer see whole versions while a file is rewritten in place',
  withCluster(async ({ a, b }) => {
    writeFileSync(a.at('file'), version(1));
    await a.sync();
    let isReading = true;
    const histories = Promise.all(MODES.map((mode) => readHistory(b, mode))).finally(() => {
      isReading = false;
    });
    let number = 1;
    while (isReading && number < VERSIONS_MAX) {
      number += 1;
      rewrite(a.at('file'), version(number));
      await a.sync();
    }
    for (const [index, { reads, versions, wrong }] of (await histories).entries()) {
      const mode = MODES[index] ?? '';
      console.log(`${mode}: ${reads} reads, ${versions} of ${number} versions`);
      assert.equal(wrong, [], mode);
      assert.ok(reads > 3, `${mode}: ${reads} reads`);
      if (mode !== 'held') assert.ok(versions > 1, `${mode} saw ${versions} version`);
    }
    assert.ok(readFileSync(b.at('file')).equals(version(number)), 'the last version is at the peer');
  }),
);

test(
  'what is appended elsewhere reaches who has the file open, and never as zeros',
  withCluster(async ({ a, b }) => {
    writeFileSync(a.at('log'), 'line 0\n');
    await a.sync();
    const reader = openSync(b.at('log'), 'r');
    const piece = Buffer.alloc(64 * 1024);
    let text = '';
    const readOn = (): void => {
      for (let count = 1; count > 0; ) {
        count = readSync(reader, piece, 0, piece.length, null);
        text += piece.toString('latin1', 0, count);
      }
    };
    const writer = openSync(a.at('log'), 'a');
    let expected = 'line 0\n';
    for (let line = 1; line <= 12; line++) {
      const added = `line ${line}\n`.repeat(1 + line * 50);
      writeSync(writer, added);
      expected += added;
      await a.sync();
      await waitFor(`line ${line} at the peer`, () => {
        readOn();
        return text.length >= expected.length ? true : undefined;
      });
      assert.is(text, expected);
    }
  }),
);

test.run();
