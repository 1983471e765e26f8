// Run in a child process under PFS_SIMD: prints the instruction set in use and how many golden vectors differ.
import { readFileSync } from 'node:fs';
import { native } from '../../../src/addon/addon.ts';
import type { ChunkerParameters } from '../../../src/addon/native.ts';
import { type GoldenInput, makeInput } from '../../fixtures/chunking/input.ts';

interface GoldenFile {
  readonly vectors: readonly {
    readonly chunker: ChunkerParameters;
    readonly input: GoldenInput;
    readonly cuts: readonly number[];
  }[];
}

const file: GoldenFile = JSON.parse(
  readFileSync(new URL('../../fixtures/chunking/mincdc-h4.json', import.meta.url), 'utf8'),
);
const different = file.vectors.filter(
  ({ chunker, input, cuts }) => native.cutAll(chunker, makeInput(input)).join() !== cuts.join(),
);
console.log(
  JSON.stringify({
    simd: native.capabilities().simd,
    vectors: file.vectors.length,
    different: different.length,
    crc: native.crc32c(makeInput({ seed: 9, length: 100_000, mask: 0xff })),
    zeroes: native.isZero(new Uint8Array(1000)) && !native.isZero(makeInput({ seed: 9, length: 1000, mask: 0xff })),
  }),
);
