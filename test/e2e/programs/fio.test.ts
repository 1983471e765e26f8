// fio writes blocks of random places and overlapping sizes with a checksum in each, reads them back and checks them:
// through the page cache, past it, and through shared mappings.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestNode } from '../../support/cluster.ts';
import { run } from '../../support/process.ts';
import { isLong } from '../../support/program-sizes.ts';
import { withNode } from '../../support/with-node.ts';

/** The long form, over the three ways. */
const SECONDS_OF_LONG = Number(process.env.FIO_SECONDS ?? 1800);
const SECONDS_OF_WAY = Math.ceil(SECONDS_OF_LONG / 3);
const LIMIT_MS = (SECONDS_OF_WAY + 300) * 1000;
/**
 * Bytes a second of each of two jobs. The blob only grows, all that fio writes is new, and small writes bring their
 * neighbourhood along: so a way stays under 40 GB.
 */
const RATE = '--rate=3m';
const AMOUNT = isLong
  ? ['--size=256M', RATE, '--time_based', `--runtime=${SECONDS_OF_WAY}`]
  : ['--size=8M', '--io_size=16M'];

const WAYS = [
  {
    name: 'overlapping unaligned sizes',
    options: ['--rw=randwrite', '--bsrange=512-128k', '--bs_unaligned=1', '--norandommap', '--ioengine=psync'],
  },
  { name: 'past the page cache', options: ['--rw=randrw', '--bs=4k', '--direct=1', '--ioengine=psync'] },
  { name: 'through shared mappings', options: ['--rw=randwrite', '--bs=8k', '--ioengine=mmap'] },
];

const test = suite('fio');

for (const { name, options } of WAYS) {
  test(
    `what fio wrote is what it reads: ${name}`,
    withNode((node) => verify(node, options)),
  );
}

async function verify(node: TestNode, options: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(
    'fio',
    [
      ...['--name=verify', `--directory=${node.mountPoint}`, '--numjobs=2', '--fallocate=none', ...AMOUNT],
      ...[
        '--verify=crc32c',
        '--verify_fatal=1',
        '--verify_dump=0',
        '--verify_state_save=0',
        '--verify_backlog=256',
        '--randrepeat=0',
        '--output-format=terse',
        ...options,
      ],
    ],
    { limitMs: LIMIT_MS },
  );
  assert.is(code, 0, `${stdout}\n${stderr}`);
}

test.run();
