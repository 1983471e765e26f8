// Replies that the FUSE thread of the request sends while a program makes one call after the other.
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as assert from 'uvu/assert';
import { suiteOfMount } from '../support/served-mount.ts';

const replies = suiteOfMount('replies that are handed over');

const FILES = 1000;
const MODIFIED = 981_173_106;

/** On a machine that does much else JavaScript may not get to wait for a request for a while. */
const ROUNDS_MAX = 20;

replies('with several processors some are handed over, and the calls mean what they did', async ({ served }) => {
  const name = (index: number): string => served.path(`file-${index}`);
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    for (let index = 0; index < FILES; index++) {
      writeFileSync(name(index), `content ${index}`);
      utimesSync(name(index), MODIFIED, MODIFIED);
    }
    for (let index = 0; index < FILES; index++) assert.is(readFileSync(name(index), 'utf8'), `content ${index}`);
    assert.is(readdirSync(served.mountPoint).length, FILES);
    for (let index = 0; index < FILES; index++) rmSync(name(index));
    assert.is(readdirSync(served.mountPoint).length, 0);
    const { handed = 0, requests = 0 } = await served.counters();
    if (availableParallelism() === 1) {
      assert.is(handed, 0);
      return;
    }
    if (handed > 0) return;
    assert.ok(round < ROUNDS_MAX, `none of ${requests}`);
  }
});

replies.run();
