// Extended attributes and access control lists.
import { mkdirSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { expectProbeErrno, permissions, property } from './property.ts';

export const extendedAttributeProperties = [
  property('an attribute is set, read, listed and removed, on files and directories', async (site) => {
    writeFileSync(site.at('file'), '');
    mkdirSync(site.at('directory'));
    for (const name of ['file', 'directory']) {
      const code = `
os.setxattr(path, 'user.colour', b'blue')
os.setxattr(path, 'user.empty', b'')
first = [os.getxattr(path, 'user.colour').decode(), os.getxattr(path, 'user.empty').decode(), sorted(os.listxattr(path))]
os.removexattr(path, 'user.colour')
result = first + [os.listxattr(path)]`;
      assert.equal(await site.probe.run(code, { path: site.at(name) }), [
        'blue',
        '',
        ['user.colour', 'user.empty'],
        ['user.empty'],
      ]);
    }
  }),
  property('any bytes are a value', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = `
value = bytes(range(256)) * 4
os.setxattr(path, 'user.bytes', value)
result = os.getxattr(path, 'user.bytes') == value`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), true);
  }),
  property('setting replaces; create and replace alone obey what is there', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    await site.probe.run("os.setxattr(path, 'user.a', b'1')\nos.setxattr(path, 'user.a', b'two')", { path });
    assert.is(await site.probe.run("result = os.getxattr(path, 'user.a').decode()", { path }), 'two');
    const create = "os.setxattr(path, 'user.a', b'3', os.XATTR_CREATE)";
    await expectProbeErrno('EEXIST', site.probe.run(create, { path }));
    const replace = "os.setxattr(path, 'user.b', b'3', os.XATTR_REPLACE)";
    await expectProbeErrno('ENODATA', site.probe.run(replace, { path }));
  }),
  property('an attribute that is not there fails with ENODATA', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    await expectProbeErrno('ENODATA', site.probe.run("os.getxattr(path, 'user.missing')", { path }));
    await expectProbeErrno('ENODATA', site.probe.run("os.removexattr(path, 'user.missing')", { path }));
  }),
  property('a buffer that is too small fails with ERANGE, a size of nothing asks the length', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = `
os.setxattr(path, 'user.long', b'x' * 100)
target = ctypes.create_string_buffer(10)
name = os.fsencode(path)
length = libc.getxattr(name, b'user.long', None, 0)
assert length == 100, length
checked(libc.getxattr(name, b'user.long', target, 10))`;
    await expectProbeErrno('ERANGE', site.probe.run(code, { path: site.at('file') }));
  }),
  property('an attribute changes the change time, not the modification time', async (site) => {
    const code = `
open(path, 'w').close()
os.utime(path, ns=(1, 2))
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
os.setxattr(path, 'user.a', b'1')
after = os.lstat(path)
result = [after.st_ctime_ns > before, after.st_mtime_ns]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, 2]);
  }),
  property('user attributes are refused on symbolic links with EPERM', async (site) => {
    const code = "os.symlink('x', path)\nos.setxattr(path, 'user.a', b'1', follow_symlinks=False)";
    await expectProbeErrno('EPERM', site.probe.run(code, { path: site.at('link') }));
  }),
  property('trusted attributes are kept for root', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    const code = "os.setxattr(path, 'trusted.a', b'1')\nresult = os.getxattr(path, 'trusted.a').decode()";
    assert.is(await site.probe.run(code, { path }), '1');
  }),
  property('trusted attributes are listed for root alone', async (site) => {
    const code = `
open(path, 'w').close()
os.chown(path, 12345, 12345)
os.setxattr(path, 'trusted.a', b'1')
os.setxattr(path, 'user.a', b'1')
def list_the_other():
    if os.listxattr(path) != ['user.a']:
        raise OSError(errno.EBADMSG, 'it lists more')
as_user(12345, list_the_other)
result = sorted(os.listxattr(path))`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['trusted.a', 'user.a']);
  }),
  property('setting an attribute or an access list to what it is changes no time', async (site) => {
    const code = `
open(path, 'w').close()
access = b''.join(number.to_bytes(size, 'little') for number, size in [
    (2, 4), (1, 2), (6, 2), (0xffffffff, 4), (2, 2), (4, 2), (1000, 4), (4, 2), (4, 2), (0xffffffff, 4),
    (16, 2), (4, 2), (0xffffffff, 4), (32, 2), (4, 2), (0xffffffff, 4)])
values = [('user.a', b'1'), ('system.posix_acl_access', access)]
for name, value in values:
    os.setxattr(path, name, value)
before = os.lstat(path).st_ctime_ns
time.sleep(0.02)
for name, value in values:
    os.setxattr(path, name, value)
result = os.lstat(path).st_ctime_ns - before`;
    assert.is(await site.probe.run(code, { path: site.at('file') }), 0);
  }),
  property('an attribute of no known namespace is refused with ENOTSUP', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = "os.setxattr(path, 'colour.of', b'blue')";
    await expectProbeErrno('ENOTSUP', site.probe.run(code, { path: site.at('file') }));
  }),
  property(
    'a name of no known namespace is refused in every call, one without anything after the prefix too',
    async (site) => {
      writeFileSync(site.at('file'), '');
      const path = site.at('file');
      const calls = ["os.setxattr(path, name, b'1')", 'os.getxattr(path, name)', 'os.removexattr(path, name)'];
      for (const [name, errno] of [
        ['colour.of', 'ENOTSUP'],
        ['system.other', 'ENOTSUP'],
        ['user', 'ENOTSUP'],
        ['user.', 'EINVAL'],
        ['trusted.', 'EINVAL'],
        ['security.', 'EINVAL'],
      ] as const) {
        for (const call of calls) await expectProbeErrno(errno, site.probe.run(call, { path, name }));
      }
    },
  ),
  property('removing an access control list that is not there is no error', async (site) => {
    mkdirSync(site.at('directory'));
    for (const name of ['system.posix_acl_access', 'system.posix_acl_default']) {
      await site.probe.run('os.removexattr(path, name)', { path: site.at('directory'), name });
    }
  }),
  property(
    'an access control list set by a member of the group leaves the set-group-id bit, by others not',
    async (site) => {
      writeFileSync(site.at('file'), '');
      const code = `
os.chown(path, 1000, 54321)
modes = []
for groups in [[54321], [54322]]:
    os.chmod(path, 0o2775)
    as_user(1000, lambda: os.system(f'setfacl -m u:{groups[0]}:r {path}'), groups)
    modes.append(oct(os.lstat(path).st_mode & 0o7777))
result = modes`;
      assert.equal(await site.probe.run(code, { path: site.at('file') }), ['0o2775', '0o775']);
    },
  ),
  property('attributes of other users need write permission', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = "as_user(12345, lambda: os.setxattr(path, 'user.a', b'1'))";
    await expectProbeErrno('EACCES', site.probe.run(code, { path: site.at('file') }));
  }),
  property('attributes survive a rename and belong to the inode', async (site) => {
    const code = `
open(path, 'w').close()
os.setxattr(path, 'user.a', b'1')
os.link(path, path + '-link')
os.rename(path, path + '-moved')
result = [os.getxattr(path + '-link', 'user.a').decode(), os.getxattr(path + '-moved', 'user.a').decode()]`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), ['1', '1']);
  }),
  property('an access control list grants and is shown in the group bits', async (site) => {
    writeFileSync(site.at('file'), '');
    const path = site.at('file');
    const code = `
os.chmod(path, 0o600)
assert os.system(f'setfacl -m u:12345:rw {path}') == 0
as_user(12345, lambda: os.open(path, os.O_RDWR))
result = '12345' in os.popen(f'getfacl -n --omit-header --absolute-names {path}').read()`;
    assert.is(await site.probe.run(code, { path }), true);
    assert.is(permissions(path), 0o660);
  }),
  property('a default access control list is inherited by what is created below', async (site) => {
    mkdirSync(site.at('directory'));
    const code = `
assert os.system(f'setfacl -d -m u:12345:rwx {path}') == 0
open(path + '/file', 'w').close()
os.mkdir(path + '/folder')
result = ['12345' in os.popen(f'getfacl -n --omit-header --absolute-names {path}/{name}').read() for name in ('file', 'folder')]`;
    assert.equal(await site.probe.run(code, { path: site.at('directory') }), [true, true]);
  }),
];
