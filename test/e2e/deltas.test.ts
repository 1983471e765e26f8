// A file that is changed as programs change files costs the link what changed, and is whole at the peer.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestNode } from '../support/cluster.ts';
import { withCluster } from '../support/with-cluster.ts';

const test = suite('deltas');
const BETWEEN_BYTES = 1000;

async function literalBytes(node: TestNode): Promise<number> {
  const { stdout } = await node.pfs('status', '--json');
  const status = JSON.parse(stdout) as { readonly peers: readonly { readonly literalBytesSent: string }[] };
  return Number(status.peers[0]?.literalBytesSent);
}

/** One byte in a thousand is another. */
function edited(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  for (let index = 500; index < copy.length; index += 1000) copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

interface Change {
  readonly title: string;
  readonly bytes: number;
  readonly sentMax: number;
  readonly write: (file: string, content: Buffer) => void;
}

const saveByRename = (file: string, content: Buffer): void => {
  writeFileSync(`${file}~`, content);
  renameSync(`${file}~`, file);
};

/** As git, tar and package managers do, with another file in between. */
const removeAndWrite = (file: string, content: Buffer): void => {
  rmSync(file);
  writeFileSync(`${file}-between`, randomBytes(BETWEEN_BYTES));
  writeFileSync(file, content);
};
const removeDirectoryAndWrite = (file: string, content: Buffer): void => {
  rmSync(dirname(file), { recursive: true });
  mkdirSync(dirname(file));
  writeFileSync(`${file}-between`, randomBytes(BETWEEN_BYTES));
  writeFileSync(file, content);
};

const changes: readonly Change[] = [
  { title: 'of one chunk that an editor replaces', bytes: 6000, sentMax: 500, write: saveByRename },
  { title: 'of one chunk that is emptied and written anew', bytes: 6000, sentMax: 500, write: writeFileSync },
  { title: 'of many chunks that an editor replaces', bytes: 3_000_000, sentMax: 60_000, write: saveByRename },
  { title: 'of many chunks that is emptied and written anew', bytes: 3_000_000, sentMax: 60_000, write: writeFileSync },
  { title: 'of one chunk that is removed and made again', bytes: 6000, sentMax: 1500, write: removeAndWrite },
  { title: 'of many chunks that is removed and made again', bytes: 900_000, sentMax: 30_000, write: removeAndWrite },
  { title: 'whose directory is made again', bytes: 900_000, sentMax: 30_000, write: removeDirectoryAndWrite },
];

for (const { title, bytes, sentMax, write } of changes) {
  test(
    `a file ${title} is sent as a delta`,
    withCluster(async ({ a, b }) => {
      mkdirSync(a.at('directory'));
      const content = randomBytes(bytes);
      writeFileSync(a.at('directory', 'other'), randomBytes(40_000));
      writeFileSync(a.at('directory', 'file'), content);
      writeFileSync(a.at('directory', 'third'), randomBytes(40_000));
      await a.sync();
      const before = await literalBytes(a);
      assert.ok(before >= bytes, `${before} bytes were sent at first`);
      write(a.at('directory', 'file'), edited(content));
      await a.sync();
      const sent = (await literalBytes(a)) - before;
      assert.ok(readFileSync(b.at('directory', 'file')).equals(edited(content)));
      assert.ok(sent > 0 && sent <= sentMax, `${sent} bytes were sent of ${bytes}`);
    }),
  );
}

test(
  'a file that comes under another name into another directory is sent as a delta to what it is like',
  withCluster(async ({ a, b }) => {
    const content = randomBytes(900_000);
    writeFileSync(a.at('file'), content);
    writeFileSync(a.at('other'), randomBytes(40_000));
    await a.sync();
    const before = await literalBytes(a);
    const moved = Buffer.concat([randomBytes(BETWEEN_BYTES), edited(content)]);
    mkdirSync(a.at('directory'));
    writeFileSync(a.at('directory', 'name'), moved);
    await a.sync();
    const sent = (await literalBytes(a)) - before;
    assert.ok(readFileSync(b.at('directory', 'name')).equals(moved));
    assert.ok(sent > 0 && sent <= 60_000, `${sent} bytes were sent of ${moved.length}`);
  }),
);

test.run();
