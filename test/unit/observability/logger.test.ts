// What reaches the log file.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '../../../src/base/clock.ts';
import { PacketFsError } from '../../../src/base/errors.ts';
import { createLogger, type LogLevel } from '../../../src/observability/logger.ts';

const test = suite<{ logged: (level: LogLevel, act: (logger: Logger) => void) => Record<string, unknown>[] }>('logger');
test.before.each((context) => {
  context.logged = (level, act) => {
    const directory = mkdtempSync(join(tmpdir(), 'pfs-log-'));
    const path = join(directory, 'log');
    const fd = openSync(path, 'w');
    try {
      act(createLogger({ level, fd }));
      return readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    } finally {
      closeSync(fd);
      rmSync(directory, { recursive: true });
    }
  };
});

test('an error is logged with its message, its code, its facts and its cause', ({ logged }) => {
  const cause = new Error('the disk is on fire');
  const error = new PacketFsError('PFS_IO', 'the file cannot be read', { cause, facts: { inode: 5n } });
  const text = JSON.stringify(logged('info', (logger) => logger.warn({ error }, 'request failed'))[0]);
  for (const part of ['the file cannot be read', 'PFS_IO', '"inode":5', 'the disk is on fire', 'request failed']) {
    assert.ok(text.includes(part), `${part} is missing in ${text}`);
  }
});

test('what is below the level is not logged', ({ logged }) => {
  const lines = logged('warn', (logger) => {
    logger.debug({}, 'debug');
    logger.info({}, 'info');
    logger.warn({}, 'warn');
    logger.error({}, 'error');
  });
  assert.equal(
    lines.map((line) => line['msg']),
    ['warn', 'error'],
  );
});

test.run();
