// Crashes at random moments of random work: what was acknowledged is there after the next mount, names and links are as
// some moment of the work left them, and neither check nor scrub finds anything. `make test-crash` is the long form.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CampaignOptions, runCampaign } from '../support/crash/campaign.ts';
import { dropInode, flipBit } from '../support/crash/damage.ts';
import { FaultyDisk } from '../support/crash/faulty-disk.ts';
import { buildPrograms } from '../support/crash/programs.ts';
import { seedOfRun } from '../support/seeded-random.ts';

const seed = seedOfRun();

const campaign = (options: Pick<CampaignOptions, 'kind' | 'cycles'> & Partial<CampaignOptions>) =>
  runCampaign({ seed, lanes: 1, cyclesPerVolume: options.cycles, ...options });

/** The cycles of a disk that does not sync these files. */
const campaignOfLies = (pattern: string) =>
  campaign({
    kind: 'power',
    cycles: 20,
    spoil: async ({ disk }) => {
      if (disk instanceof FaultyDisk) await disk.lie(pattern);
    },
  });

async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return '';
  } catch (error) {
    return String(error);
  }
}

const test = suite('crash cycles');

test.before(async () => {
  await buildPrograms();
});

test('a killed daemon loses nothing whose call returned', async () => {
  const { acknowledged } = await campaign({ kind: 'kill', cycles: 3 });
  assert.ok(acknowledged > 0, 'nothing was acknowledged');
});

test('a power cut that loses, reorders and tears unsynced writes loses nothing that was synced', async () => {
  const { acknowledged, lostSectors } = await campaign({ kind: 'power', cycles: 3 });
  assert.ok(acknowledged > 0 && lostSectors > 0, 'nothing was at stake');
});

for (const kind of ['ext4', 'xfs'] as const) {
  test(`a power cut of an ${kind} below loses nothing that was synced`, async () => {
    const { acknowledged } = await campaign({ kind, cycles: 1 });
    assert.ok(acknowledged > 0, 'nothing was acknowledged');
  });
}

test('negative control: a blob whose data is never synced does not pass', async () => {
  assert.match(await failureOf(campaignOfLies('*.data')), /no state|PFS_CORRUPT|READ_ONLY|at rest ended with 3/);
});

test('negative control: a chunk table that is never synced does not pass', async () => {
  assert.match(await failureOf(campaignOfLies('*.chunks')), /no state|PFS_CORRUPT|READ_ONLY|at rest ended with 3/);
});

test('negative control: a namespace that is never synced does not pass', async () => {
  assert.match(
    await failureOf(campaignOfLies('*/namespace/*')),
    /no state|PFS_CORRUPT|the daemon ended|at rest ended with/,
  );
});

test('negative control: a journal that is never synced does not pass', async () => {
  assert.match(await failureOf(campaignOfLies('*/namespace.journal.*')), /no state/);
});

for (const { what, afterCrash, code } of [
  // In a table of two records the check tells first that one of them is missing.
  { what: 'a flipped bit', afterCrash: flipBit, code: /the check at rest ended with 3: (.*\n)+chunk-data / },
  {
    what: 'an inode without its record',
    afterCrash: dropInode,
    code: /the check at rest ended with 3: .*\ninode-count /,
  },
]) {
  test(`negative control: ${what} does not pass the check before the mount`, async () => {
    assert.match(await failureOf(campaign({ kind: 'kill', cycles: 5, afterCrash })), code);
  });
}

test.run();
