// Handles that stay open behind a reader's close, so that the next reader opens the file without JavaScript.
import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { waitFor } from '../support/process.ts';
import { type ServedMount, suiteOfMount } from '../support/served-mount.ts';

const handles = suiteOfMount('handles that stay open');

/** The kernel sends a release some time after the close has returned. */
const RELEASE_MS = 50;

const handlesOf = async (served: ServedMount): Promise<number | undefined> => (await served.counters())['handles'];

/** Releases travel with the next request, or some milliseconds later. */
const waitForHandles = (served: ServedMount, wanted: number): Promise<true> =>
  waitFor(`${wanted} handles`, async () => ((await handlesOf(served)) === wanted ? true : undefined));

handles('a file that was read is opened again without JavaScript', async ({ served }) => {
  writeFileSync(served.path('a'), 'x');
  await waitForHandles(served, 0);
  assert.is(readFileSync(served.path('a'), 'utf8'), 'x');
  await delay(RELEASE_MS);
  const { requests, reopened = 0 } = await served.counters();
  for (let times = 0; times < 3; times++) {
    assert.is(readFileSync(served.path('a'), 'utf8'), 'x');
    await delay(RELEASE_MS);
  }
  const after = await served.counters();
  assert.is(after['requests'], requests);
  assert.is(after['reopened'], reopened + 3);
  assert.is(after['handles'], 1);
});

handles('two readers at once have a handle each, and one stays', async ({ served }) => {
  writeFileSync(served.path('a'), 'x');
  await waitForHandles(served, 0);
  const readers = [openSync(served.path('a'), 'r'), openSync(served.path('a'), 'r')];
  assert.is(await handlesOf(served), 2);
  for (const fd of readers) closeSync(fd);
  await waitForHandles(served, 1);
});

handles('a handle that stayed open goes with a writer, a peer and the file', async ({ served }) => {
  for (const [kept, name] of ['a', 'b', 'c'].entries()) {
    writeFileSync(served.path(name), 'x');
    await waitForHandles(served, kept); // a writer's release that comes late would take the reader's handle with it
    readFileSync(served.path(name));
  }
  await waitForHandles(served, 3);
  writeFileSync(served.path('a'), 'y', { flag: 'a' });
  await waitForHandles(served, 2);
  served.send(`chmod ${statSync(served.path('b')).ino}`);
  await waitForHandles(served, 1);
  unlinkSync(served.path('c'));
  await waitForHandles(served, 0);
});

handles('a handle of before a change by a peer does not stay open', async ({ served }) => {
  writeFileSync(served.path('a'), 'x');
  const fd = openSync(served.path('a'), 'r');
  served.send(`chmod ${statSync(served.path('a')).ino}`);
  await served.line((line) => line === 'changed');
  closeSync(fd);
  await waitForHandles(served, 0);
});

handles.run();
