// Texts from outside, mutated: mount options, addresses, durations and the kernel's list of mounts. What was meant, or
// PFS_USAGE; nothing hangs on a long one.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEndpoint, parseListenAddress } from '../../../mount/endpoints.ts';
import { parseMountinfo } from '../../../mount/mountinfo.ts';
import { parseDurationMs, parseMountOptions } from '../../../mount/options.ts';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { MINUTES_PER_DAY, rateAt } from '../../../src/base/rate-schedule.ts';
import { KIB } from '../../../src/base/units.ts';
import { logNameText, parseLogName } from '../../../src/blob/log-name.ts';
import { parseAddress } from '../../../src/daemon/targets.ts';
import { fuzz } from '../../support/mutations.ts';

const test = suite('mutated texts');

function orUsageError<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (isPacketFsError(error) && error.code === 'PFS_USAGE') return undefined;
    throw error;
  }
}

const fuzzTexts = (samples: readonly string[], check: (text: string) => void): void =>
  fuzz({
    samples: samples.map((sample) => Buffer.from(sample)),
    rounds: 30_000,
    check: (bytes) => check(Buffer.from(bytes).toString('utf8')),
  });

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65535;

test('mount options', () => {
  const samples = [
    'rw,nosuid,noatime,state=/var/lib/packetfs,peer=10.0.0.1:7433,peer=[::1]:1,threads=4',
    'ro,_netdev,x-systemd.automount,attr_timeout=1.5,entry-timeout=0,listen=0.0.0.0:7433,fsname="a,b",allow_other',
    'log=/var/log/pfs.log,fuse-backend=libfuse3,remount,defaults',
    'max-rate=20M,max-rate=1.5MB/s@08:00-18:00,congestion=fair,"max-rate=off 22:00-06:00"',
  ];
  fuzzTexts(samples, (text) => {
    for (const sloppy of [false, true]) {
      const options = orUsageError(() => parseMountOptions(text, { sloppy }));
      if (options === undefined) continue;
      assert.ok(options.threads === undefined || (Number.isInteger(options.threads) && options.threads >= 1));
      for (const timeoutMs of [options.attributeTimeoutMs, options.entryTimeoutMs]) {
        assert.ok(timeoutMs === undefined || (timeoutMs >= 0 && Number.isFinite(timeoutMs)), `${timeoutMs}`);
      }
      assert.ok(options.listen === undefined || isPort(options.listen.port));
      assert.ok(options.peers.every(({ port }) => isPort(port) && port > 0));
      for (let minute = 0; minute < MINUTES_PER_DAY; minute += 30) {
        const bytesPerSecond = rateAt(options.maxRates, minute);
        assert.ok(bytesPerSecond === undefined || bytesPerSecond >= 16 * KIB, `${bytesPerSecond}`);
      }
    }
  });
});

test('addresses and durations', () => {
  fuzzTexts(['10.0.0.1:7433', '[2001:db8::1]:80', 'host.example', '30s', '500ms', '2.5m', '::1'], (text) => {
    const peer = orUsageError(() => parseEndpoint(text));
    assert.ok(peer === undefined || (peer.host.length > 0 && isPort(peer.port)));
    const listen = orUsageError(() => parseListenAddress(text));
    assert.ok(listen === undefined || isPort(listen.port));
    const told = parseAddress(text);
    assert.ok(told === undefined || (told.host.length > 0 && isPort(told.port) && told.port > 0));
    const durationMs = orUsageError(() => parseDurationMs(text));
    assert.ok(durationMs === undefined || durationMs >= 0);
  });
});

test('names of logs', () => {
  fuzzTexts([`${'0a'.repeat(32)}-1`, `${'ff'.repeat(32)}-4294967295`], (text) => {
    const name = parseLogName(text);
    if (name !== undefined) assert.is(logNameText(name), text);
  });
});

test('the kernel’s list of mounts', () => {
  const samples = [
    '36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw\n37 36 0:50 / /mnt/a\\040b rw - fuse.pfs pfs rw\n',
  ];
  fuzzTexts(samples, (text) => {
    const entries = parseMountinfo(text);
    assert.ok(entries.length <= text.split('\n').length);
    for (const entry of entries) {
      assert.ok([entry.mountPoint, entry.device, entry.type, entry.source].every((field) => typeof field === 'string'));
    }
  });
});

test.run();
