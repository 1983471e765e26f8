// A C project built in place on the mount by four jobs at once: the program it makes computes what it should.
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runChecked } from '../../support/process.ts';
import { withNode } from '../../support/with-node.ts';

/** The official C sources of BLAKE3; its Makefile makes a program that hashes standard input. */
const SOURCES = fileURLToPath(new URL('../../../node_modules/@c4312/blake3-native/c', import.meta.url));
const MAKE = ['-j4', '-f', 'Makefile.testing', 'CC=gcc -DBLAKE3_TESTING', 'all'];
/** From the BLAKE3 paper's test vectors: no input, and one zero byte. */
const VECTORS = [
  { input: '', hash: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262' },
  { input: '\0', hash: '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213' },
];

const test = suite('build');

test(
  'make -j4 builds a program that works, and builds no object again that is newer than its source',
  withNode(async (node) => {
    const directory = node.at('blake3');
    cpSync(SOURCES, directory, { recursive: true });
    const first = await runChecked('make', MAKE, { directory });
    assert.match(first, /-c blake3_avx2\.c/);
    for (const { input, hash } of VECTORS) {
      const output = await runChecked(node.at('blake3', 'blake3'), [], { input });
      assert.match(output, hash);
    }
    const second = await runChecked('make', MAKE, { directory });
    assert.not.match(second, / -c /);
  }),
);

test.run();
