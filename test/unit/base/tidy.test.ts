// What the linters cannot say (the idea is TigerBeetle's tidy): module comments, file sizes, words that must not stay.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LINES_MAX = 600;
const PURE_FOLDERS = /^src\/(extent|wire|transport|replication|namespace\/merge)/;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /^(src|mount|native|test|bench)\/.*\.(ts|cc|h)$/.test(path));
const sources = files.map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }));
const isTest = (path: string): boolean => /\.test\.ts$|^test\/native\//.test(path);

const tidy = suite('tidy');

function expectNone(what: string, offenders: readonly string[]): void {
  assert.is(offenders.length, 0, `${what}:\n${offenders.join('\n')}`);
}

tidy('there are sources to look at', () => {
  assert.ok(files.length > 50);
});

tidy('every source but a test opens with a comment that says what it owns', () => {
  const silent = sources.filter(({ path, text }) => !isTest(path) && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text));
  expectNone(
    'no module comment',
    silent.map(({ path }) => path),
  );
});

tidy(`no source has more than ${LINES_MAX} lines`, () => {
  const long = sources.filter(({ path, text }) => !isTest(path) && text.split('\n').length > LINES_MAX);
  expectNone(
    'too long',
    long.map(({ path }) => path),
  );
});

tidy('nothing is left to do in a comment', () => {
  const word = new RegExp(`\\b(${['TO', 'DO'].join('')}|FIX${'ME'}|XX${'X'}|HA${'CK'})\\b`);
  expectNone(
    'unfinished',
    sources.filter(({ text }) => word.test(text)).map(({ path }) => path),
  );
});

tidy('the pure folders draw no random numbers', () => {
  const drawing = sources.filter(({ path, text }) => PURE_FOLDERS.test(path) && /Math\.random|randomBytes/.test(text));
  expectNone(
    'random',
    drawing.map(({ path }) => path),
  );
});

tidy('no file is named for being left over', () => {
  expectNone(
    'a name that says nothing',
    files.filter((path) => /\/(utils?|helpers?|common|misc|manager)\.\w+$/.test(path)),
  );
});

tidy.run();
