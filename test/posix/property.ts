// One property of a filesystem: a name and a check that is given a fresh directory on it and nothing else, so any
// filesystem runs the suite (the idea is go-fuse's posixtest).
import { type BigIntStats, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Probe } from './probe.ts';

export class Site {
  /** Fresh, empty, mode 0755. */
  readonly directory: string;
  readonly probe: Probe;

  constructor(directory: string, probe: Probe) {
    this.directory = directory;
    this.probe = probe;
  }

  at(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }
}

export interface Property {
  readonly name: string;
  readonly check: (site: Site) => Promise<void> | void;
}

export const property = (name: string, check: Property['check']): Property => ({ name, check });

export const lstat = (path: string | Buffer): BigIntStats => lstatSync(path, { bigint: true });

export const permissions = (path: string): number => Number(lstat(path).mode & 0o7777n);

export function expectErrno(code: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, code);
    return;
  }
  assert.unreachable(`expected ${code}, but it succeeded`);
}

export async function expectProbeErrno(code: string, outcome: Promise<unknown>): Promise<void> {
  try {
    await outcome;
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, code, String(error));
    return;
  }
  assert.unreachable(`expected ${code}, but it succeeded`);
}

export function expectContent(path: string, expected: string | Buffer): void {
  const content = readFileSync(path);
  const wanted = Buffer.from(expected);
  assert.ok(content.equals(wanted), `${path}: ${content.length} bytes instead of the expected ${wanted.length}`);
}

/** Bytes that differ everywhere, from a seed: position mistakes show. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}
