// Mount options as fstab and mount(8) write them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEndpoint, parseListenAddress } from '../../../mount/endpoints.ts';
import { parseMaxRate } from '../../../mount/max-rate.ts';
import { parseDurationMs, parseMountOptions, splitOptions } from '../../../mount/options.ts';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { rateAt } from '../../../src/base/rate-schedule.ts';

const options = suite('mount options');
const strict = { sloppy: false };

const isUsageError =
  (part: string) =>
  (error: unknown): boolean =>
    isPacketFsError(error, 'PFS_USAGE') && error.message.includes(part);

options('commas inside double quotes do not split', () => {
  assert.equal(splitOptions('ro,fsname="a,b",,peer=x'), ['ro', 'fsname=a,b', 'peer=x']);
  assert.throws(() => splitOptions('fsname="a'), isUsageError('not closed'));
});

options('what is for mount(8) and systemd is ignored', () => {
  const text = '_netdev,nofail,noauto,user,users,owner,group,defaults,x-systemd.automount,comment=hello,x-a=b';
  assert.equal(parseMountOptions(text, strict), parseMountOptions('', strict));
});

options('the kernel gets its flags, the session what is for FUSE', () => {
  const parsed = parseMountOptions('ro,noatime,nosuid,nodev,noexec,allow_other,fsname=vol,attr_timeout=1.5', strict);
  assert.ok(parsed.readOnly);
  assert.equal(parsed.kernelFlags, ['noatime', 'nosuid', 'nodev', 'noexec']);
  assert.is(parsed.allowOther, true);
  assert.is(parsed.sourceName, 'vol');
  assert.is(parsed.attributeTimeoutMs, 1500);
});

options('underscore and hyphen are the same, the last of two wins', () => {
  assert.is(parseMountOptions('fuse_backend=fuse-native', strict).backend, 'fuse-native');
  assert.is(parseMountOptions('fuse-backend=libfuse3', strict).backend, 'libfuse3');
  assert.not.ok(parseMountOptions('ro,rw', strict).readOnly);
});

options('PacketFS keys are read, peer any number of times', () => {
  const parsed = parseMountOptions('state=/srv/x,listen=10.0.0.1:80,peer=a,peer=[fd00::2]:5,log=/var/log/p', strict);
  assert.is(parsed.stateDirectory, '/srv/x');
  assert.equal(parsed.listen, { address: '10.0.0.1', port: 80 });
  assert.equal(parsed.peers, [
    { host: 'a', port: 7433 },
    { host: 'fd00::2', port: 5 },
  ]);
  assert.is(parsed.logPath, '/var/log/p');
});

options('a maximum rate has units of curl and rsync, and hours that may pass midnight', () => {
  assert.equal(parseMaxRate('20M'), { bytesPerSecond: 20 * 1024 * 1024, hours: undefined });
  for (const [text, bytesPerSecond] of [
    ['500k', 512_000],
    ['500KiB/s', 512_000],
    ['500KB', 500_000],
    ['1.5MB', 1_500_000],
    ['2g', 2 ** 31],
    ['65536', 65_536],
    ['20mb', 20_000_000],
    ['off', undefined],
    ['OFF', undefined],
    ['0', undefined],
  ] as const) {
    assert.is(parseMaxRate(text).bytesPerSecond, bytesPerSecond, text);
  }
  assert.equal(parseMaxRate('8M 08:00-18:00').hours, { from: 480, to: 1080 });
  assert.equal(parseMaxRate('8M@22:30-6:00').hours, { from: 1350, to: 360 });
  assert.equal(parseMaxRate('8M 00:00-24:00').hours, { from: 0, to: 1440 });
});

options('a wrong maximum rate says what is accepted', () => {
  for (const text of [
    '',
    'fast',
    '20X',
    '5constructor',
    '-5M',
    '8M 8-18',
    '8M 08:00',
    '8M 08:00-25:00',
    '8M 08:60-09:00',
    '8M@',
  ]) {
    assert.throws(() => parseMaxRate(text), isUsageError('write bytes a second as 500K, 20M or 1.5G'), text);
  }
  for (const text of ['20Mb', '20Mb/s', '20Mbit', '20mbps', '500Kb']) {
    assert.throws(() => parseMaxRate(text), isUsageError('reads as bits'), text);
  }
  assert.throws(() => parseMaxRate('8M 08:00-08:00'), isUsageError('one time'));
  assert.throws(() => parseMaxRate('8M 00:00-00:00'), isUsageError('one time'));
  assert.throws(() => parseMaxRate('1K'), isUsageError('16K to 1000G'));
  assert.throws(
    () => parseMountOptions('max-rate=1M,max-rate=2M', strict),
    isUsageError('only one can be the default'),
  );
  assert.throws(() => parseMountOptions('max-rate', strict), isUsageError('needs a value'));
});

options('the entry of the time of day applies, or else the default', () => {
  const { maxRates } = parseMountOptions('max_rate=20M,max-rate=8M@08:00-18:00,max-rate=off@23:00-05:00', strict);
  assert.is(rateAt(maxRates, 8 * 60 - 1), 20 * 1024 * 1024);
  assert.is(rateAt(maxRates, 8 * 60), 8 * 1024 * 1024);
  assert.is(rateAt(maxRates, 18 * 60 - 1), 8 * 1024 * 1024);
  assert.is(rateAt(maxRates, 18 * 60), 20 * 1024 * 1024);
  for (const minute of [23 * 60, 0, 5 * 60 - 1]) assert.is(rateAt(maxRates, minute), undefined);
  assert.is(rateAt([], 0), undefined);
  const daytime = parseMountOptions('"max-rate=8M 08:00-18:00"', strict).maxRates;
  assert.is(rateAt(daytime, 12 * 60), 8 * 1024 * 1024);
  assert.is(rateAt(daytime, 0), undefined);
});

options('the memory of the index is a size', () => {
  assert.is(parseMountOptions('index-memory=64M', strict).indexBytesMax, 64 * 1024 * 1024);
  assert.is(parseMountOptions('index_memory=1.5GB', strict).indexBytesMax, 1_500_000_000);
  assert.is(parseMountOptions('', strict).indexBytesMax, undefined);
  for (const wrong of ['64X', '10K', '-1M', '', '17G', 'M'])
    assert.throws(
      () => parseMountOptions(`index-memory=${wrong}`, strict),
      isUsageError('no memory for the chunk index'),
    );
  assert.throws(() => parseMountOptions('index-memory', strict), isUsageError('needs a value'));
});

options('seeds are directories, as many as one likes', () => {
  assert.equal(parseMountOptions('seed=/a,"seed=/b,c"', strict).seeds, ['/a', '/b,c']);
});

options('the congestion control is bulk or fair', () => {
  assert.is(parseMountOptions('congestion=fair', strict).congestion, 'fair');
  assert.is(parseMountOptions('', strict).congestion, undefined);
  assert.throws(() => parseMountOptions('congestion=cubic', strict), isUsageError('choose bulk or fair'));
});

options('an unknown option is named, unless sloppy', () => {
  assert.throws(() => parseMountOptions('ro,bogus=1', strict), isUsageError('bogus=1'));
  assert.ok(parseMountOptions('ro,bogus=1', { sloppy: true }).readOnly);
});

options('a wrong value is refused even when sloppy', () => {
  const sloppy = { sloppy: true };
  assert.throws(() => parseMountOptions('threads=0', sloppy), isUsageError('threads'));
  assert.throws(() => parseMountOptions('attr_timeout=x', sloppy), isUsageError('attr-timeout'));
  assert.throws(() => parseMountOptions('fuse-backend=fuse2', sloppy), isUsageError('fuse2'));
  assert.throws(() => parseMountOptions('peer=a:99999', sloppy), isUsageError('a:99999'));
  assert.throws(() => parseMountOptions('state', sloppy), isUsageError('needs a value'));
});

options('addresses come with or without a port', () => {
  assert.equal(parseEndpoint('10.0.0.2'), { host: '10.0.0.2', port: 7433 });
  assert.equal(parseEndpoint('fd00::2'), { host: 'fd00::2', port: 7433 });
  assert.equal(parseEndpoint('host.example:1'), { host: 'host.example', port: 1 });
  assert.equal(parseListenAddress(':7500'), { address: '0.0.0.0', port: 7500 });
  assert.equal(parseListenAddress('7500'), { address: '0.0.0.0', port: 7500 });
  assert.equal(parseListenAddress('10.0.0.2:0'), { address: '10.0.0.2', port: 0 });
  assert.throws(() => parseEndpoint('10.0.0.2:0'), isUsageError('not an address'), 'nobody can be sent to port 0');
  for (const text of ['', ':', 'a:b', '[fd00::2', 'a b']) {
    assert.throws(() => parseEndpoint(text), isUsageError('not an address'), text);
  }
});

options('durations have units', () => {
  assert.is(parseDurationMs('30s'), 30_000);
  assert.is(parseDurationMs('500ms'), 500);
  assert.is(parseDurationMs('2m'), 120_000);
  assert.is(parseDurationMs('1.5'), 1500);
  for (const text of ['', 's', '-1s', '1h']) assert.throws(() => parseDurationMs(text), isUsageError('duration'), text);
});

options.run();
