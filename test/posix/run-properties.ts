// Registers properties as uvu tests against one directory. A property that is listed as an expected difference must
// fail: the day it passes, the list is stale and the test says so.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allProperties } from './all-properties.ts';
import { Probe } from './probe.ts';
import { type Property, Site } from './property.ts';

export interface Target {
  /** Known before the tests start; the directory may be made in `before`. */
  readonly name: string;
  readonly directory: () => string;
  /** Property name -> why this filesystem differs. */
  readonly expectedDifferences: Readonly<Record<string, string>>;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

export function runProperties(target: Target): void {
  for (const name of Object.keys(target.expectedDifferences)) {
    if (!allProperties.some((property) => property.name === name)) throw new Error(`no such property: ${name}`);
  }
  const test = suite(target.name);
  const probe = new Probe();
  test.before(async () => {
    process.umask(0o022);
    await target.before?.();
  });
  test.after(async () => {
    probe.close();
    await target.after?.();
  });
  allProperties.forEach((property, index) => {
    test(property.name, async () => {
      const directory = join(target.directory(), `property-${index}`);
      mkdirSync(directory);
      await checkProperty(property, new Site(directory, probe), target.expectedDifferences[property.name]);
    });
  });
  test.run();
}

async function checkProperty(property: Property, site: Site, difference: string | undefined): Promise<void> {
  if (difference === undefined) return await property.check(site);
  try {
    await property.check(site);
  } catch {
    return; // as expected
  }
  assert.unreachable(`holds, although it is listed as a difference: ${difference}`);
}
