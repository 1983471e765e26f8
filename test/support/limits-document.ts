// Writes docs/LIMITS.md from src/base/limits.ts: names, values and the comments there, so the two cannot part; a test
// compares them. Run it after a change of limits: npx tsx test/support/limits-document.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as limits from '../../src/base/limits.ts';
import { GIB, KIB, MIB } from '../../src/base/units.ts';

const SOURCE = fileURLToPath(new URL('../../src/base/limits.ts', import.meta.url));
export const LIMITS_DOCUMENT = fileURLToPath(new URL('../../docs/LIMITS.md', import.meta.url));

const HEAD = `# Limits

Every bound of PacketFS, as \`src/base/limits.ts\` has it (this file is written from there by
\`npx tsx test/support/limits-document.ts\`). A bound marked *format* is part of what is stored or sent and never
changes; the others may change from release to release.

| limit | value | what it bounds |
|---|---|---|
`;

/** The document for the limits as they are now. */
export function renderLimits(): string {
  const values: Readonly<Record<string, unknown>> = limits;
  const source = readFileSync(SOURCE, 'utf8');
  const rows = [...source.matchAll(/(?:\/\*\*([\s\S]*?)\*\/\n)?export const (\w+) =/g)].map(
    ([, comment, name = '']) => {
      const text = (comment ?? '').replace(/\s*\n\s*\*?\s*/g, ' ').trim();
      return { name, text, value: values[name] };
    },
  );
  let last = '';
  const lines = rows.map(({ name, text, value }) => {
    if (text !== '') last = text.replace(/^format: /, '*format*: ');
    return `| \`${name}\` | ${formatValue(name, value)} | ${last} |\n`;
  });
  return HEAD + lines.join('');
}

function formatValue(name: string, value: unknown): string {
  if (typeof value !== 'number') throw new Error(`${name} is not a number`);
  if (name.includes('_MS')) return value % 1000 === 0 ? `${(value / 1000).toLocaleString('en')} s` : `${value} ms`;
  if (!name.includes('BYTES')) return value.toLocaleString('en');
  if (value % GIB === 0) return `${value / GIB} GiB`;
  if (value % MIB === 0) return `${value / MIB} MiB`;
  return value % KIB === 0 ? `${value / KIB} KiB` : `${value.toLocaleString('en')} bytes`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(LIMITS_DOCUMENT, renderLimits());
