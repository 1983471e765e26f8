// Mount options as fstab and mount(8) write them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEndpoint, parseListenAddress } from '../../../mount/endpoints.ts';
import { parseDurationMs, parseMountOptions, splitOptions } from '../../../mount/options.ts';
import { isPacketFsError } from '../../../src/base/errors.ts';

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
