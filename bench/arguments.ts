// What benches take and leave: counts and choices as people type them, and files of results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An empty text, as make gives it for what was not chosen, is `otherwise`. */
export function countOf(text: string, otherwise: number): number {
  const value = text === '' ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is no count: it is a whole number from 1`);
  return value;
}

/** Those named, separated by semicolons, in the order of all; a name may be a first word. */
export function chosen<Named extends { readonly name: string }>(text: string, all: readonly Named[]): readonly Named[] {
  if (text === '') return all;
  const names = text.split(';');
  const unknown = names.find((name) => !all.some((one) => one.name.startsWith(name)));
  if (unknown === undefined) return all.filter((one) => names.some((name) => one.name.startsWith(name)));
  throw new Error(`there is no "${unknown}": ${all.map(({ name }) => name).join('; ')}`);
}

/** As JSON; nothing where the directory is ''. */
export function writeResult(directory: string, name: string, value: unknown): void {
  if (directory === '') return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(value, null, 2)}\n`);
}
