// Reading seeds in the background: what is forgotten is not read on, what failed is tried again, and a disk that does not
// answer stops neither other seeds nor who waits.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SeedsAdded } from '../../../src/addon/native.ts';
import { silentLogger } from '../../../src/base/clock.ts';
import { type SeededBlob, Seeds } from '../../../src/volume/seeds.ts';
import { waitFor } from '../../support/process.ts';

const PATIENCE_MS = 50;
const test = suite('volume/seeds');

/** Counts the files that were given to it; never ends with those of a directory whose name has `hung` in it. */
class FakeBlob implements SeededBlob {
  readonly paths: string[] = [];
  #generation = 0;

  async addSeeds(paths: readonly Uint8Array[]): Promise<SeedsAdded> {
    const generation = this.#generation;
    const names = paths.map((path) => Buffer.from(path).toString());
    if (names.some((name) => name.includes('hung'))) await new Promise(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    if (generation !== this.#generation) throw new Error('the seeds were forgotten');
    this.paths.push(...names);
    return { files: paths.length, bytes: paths.length, isFull: false, failures: [] };
  }

  clearSeeds(): void {
    this.#generation++;
    this.paths.length = 0;
  }

  seeds(): ReturnType<SeededBlob['seeds']> {
    const files = this.paths.length;
    return { files, bytes: files, chunks: files, memoryBytes: 0, bytesRead: files };
  }
}

function tree(name: string, directories = 3): string {
  const root = join(mkdtempSync(join(tmpdir(), 'seeds-')), name);
  for (let index = 0; index < directories; index++) {
    mkdirSync(join(root, `${index}`), { recursive: true });
    for (let file = 0; file < 10; file++) writeFileSync(join(root, `${index}`, `${file}`), 'x');
  }
  return root;
}

function start(): { readonly blob: FakeBlob; readonly seeds: Seeds } {
  const blob = new FakeBlob();
  return { blob, seeds: new Seeds({ blob, logger: silentLogger, patienceMs: PATIENCE_MS }) };
}

const request = (path: string, isAwaited = false) => ({ path, excluded: [], isAwaited });
const isReady = (seeds: Seeds, path: string) => (): true | undefined =>
  seeds.directories().some((one) => one.path === path && one.state === 'ready') || undefined;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is forgotten while it is walked is not read on, however far it was', async () => {
  const path = tree('many', 60);
  for (let turns = 0; turns < 60; turns += 7) {
    const { blob, seeds } = start();
    seeds.add(request(path));
    for (let count = 0; count < turns; count++) await turn();
    seeds.forget(path);
    for (let count = 0; count < 300; count++) await turn();
    assert.equal(blob.paths, [], `after ${turns} turns`);
    assert.equal(seeds.directories(), []);
  }
});

test('one that failed is read when it is added again, and no other is', async () => {
  const { blob, seeds } = start();
  const [other, path] = [tree('other'), tree('late')];
  seeds.add(request(other));
  await waitFor('the other', isReady(seeds, other));
  seeds.addFailed(path, 'it was not there');
  seeds.add(request(path));
  await waitFor('it', isReady(seeds, path));
  assert.is(blob.paths.length, 60);
  assert.is(new Set(blob.paths).size, 60);
});

test('directories that are not to be entered are not', async () => {
  const { blob, seeds } = start();
  const path = tree('parent');
  seeds.add({ ...request(path), excluded: [join(path, '1')] });
  await waitFor('it', isReady(seeds, path));
  assert.is(blob.paths.length, 20);
});

test('who waits for a seed that hangs waits no longer than patience, and only awaited seeds fail with it', async () => {
  const { seeds } = start();
  const [hung, behind] = [tree('hung'), tree('behind')];
  seeds.add(request(hung, true));
  seeds.add(request(behind));
  assert.ok(seeds.isAwaited && seeds.isUsable);
  await seeds.settled();
  assert.not(seeds.isAwaited);
  const states = seeds.directories().map(({ state }) => state);
  assert.equal(states, ['failed', 'waiting']);
  seeds.forget(hung);
  await waitFor('the one behind it', isReady(seeds, behind));
});

test('who waits is not misled by reading that ends without having found anything', async () => {
  const { seeds } = start();
  const [gone, full] = [tree('gone', 0), tree('full')];
  seeds.add(request(gone, true));
  const settled = seeds.settled();
  seeds.add(request(full, true));
  await settled;
  assert.equal(
    seeds.directories().map(({ state, files }) => [state, files]),
    [
      ['failed', 0],
      ['ready', 30],
    ],
  );
});

test('seeds of a running node are waited for by nobody, and are of use once they were read', async () => {
  const { seeds } = start();
  const changes: boolean[] = [];
  seeds.onChanged(() => changes.push(seeds.isUsable));
  const path = tree('running');
  seeds.add(request(path));
  assert.not(seeds.isUsable);
  await seeds.settled();
  await waitFor('it', isReady(seeds, path));
  assert.ok(seeds.isUsable);
  assert.is(changes.at(-1), true);
  seeds.giveUp();
  assert.not(seeds.isUsable);
  assert.match(seeds.directories()[0]?.reason ?? '', /did not get on/);
});

test.run();
