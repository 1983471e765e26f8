// Names: any bytes but NUL and '/', up to 255 of them; directories of many entries; reading while removing.
import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { expectContent, expectErrno, expectProbeErrno, lstat, property, type Site } from './property.ts';

const MANY_ENTRIES = 10_000;

const bytePath = (site: Site, name: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${site.directory}/`), name]);

export const nameProperties = [
  property('a name of 255 bytes works in every call, one of 256 fails with ENAMETOOLONG', (site) => {
    const longest = 'n'.repeat(255);
    writeFileSync(site.at(longest), 'text');
    expectContent(site.at(longest), 'text');
    assert.equal(readdirSync(site.directory), [longest]);
    unlinkSync(site.at(longest));
    const tooLong = 'n'.repeat(256);
    expectErrno('ENAMETOOLONG', () => writeFileSync(site.at(tooLong), ''));
    expectErrno('ENAMETOOLONG', () => mkdirSync(site.at(tooLong)));
    expectErrno('ENAMETOOLONG', () => lstat(site.at(tooLong)));
    expectErrno('ENAMETOOLONG', () => unlinkSync(site.at(tooLong)));
  }),
  property('a name is counted in bytes, not in characters', (site) => {
    writeFileSync(site.at('é'.repeat(127)), '');
    expectErrno('ENAMETOOLONG', () => writeFileSync(site.at('é'.repeat(128)), ''));
  }),
  property('names that are not UTF-8 come back byte for byte', (site) => {
    const names = [
      Buffer.from([0xff, 0xfe]),
      Buffer.from([0xc3]),
      Buffer.from([0x80, 0x41]),
      Buffer.from([1, 127, 200]),
    ];
    for (const name of names) writeFileSync(bytePath(site, name), name);
    const found = readdirSync(Buffer.from(site.directory), { encoding: 'buffer' }).sort(Buffer.compare);
    assert.equal(found.map(String), [...names].sort(Buffer.compare).map(String));
    for (const name of names) unlinkSync(bytePath(site, name));
    assert.equal(readdirSync(site.directory), []);
  }),
  property('every single byte but NUL, slash and a lone dot is a name', (site) => {
    const bytes = Array.from({ length: 255 }, (_unused, index) => index + 1).filter(
      (byte) => byte !== 0x2f && byte !== 0x2e,
    );
    for (const byte of bytes) writeFileSync(bytePath(site, Buffer.from([byte])), '');
    const found = readdirSync(Buffer.from(site.directory), { encoding: 'buffer' }).map((name) => name[0] ?? 0);
    assert.equal(
      found.sort((left, right) => left - right),
      bytes,
    );
  }),
  property('names differ by case and by Unicode form', (site) => {
    const names = ['a', 'A', '\u00e9', 'e\u0301'];
    for (const name of names) writeFileSync(site.at(name), name);
    for (const name of names) expectContent(site.at(name), name);
    assert.is(readdirSync(site.directory).length, names.length);
  }),
  property('names with leading dots, spaces and newlines are ordinary', (site) => {
    const names = ['...', '..x', '.hidden', ' ', 'a\nb', '-rf', '*', '.fuse_hidden0'];
    for (const name of names) writeFileSync(site.at(name), '');
    assert.equal(readdirSync(site.directory).sort(), names.sort());
  }),
  property('a path of many levels works', async (site) => {
    const code = `
os.chdir(directory)
for _ in range(200):
    os.mkdir('directory')
    os.chdir('directory')
open('leaf', 'w').close()
result = os.path.exists('leaf')
os.chdir('/')`;
    assert.is(await site.probe.run(code, { directory: site.directory }), true);
  }),
  property('a directory of 10,000 entries lists each once', (site) => {
    const names = Array.from({ length: MANY_ENTRIES }, (_unused, index) => `entry-${index}`);
    for (const name of names) writeFileSync(site.at(name), '');
    assert.equal(readdirSync(site.directory).sort(), names.sort());
  }),
  property('removing while listing neither skips nor repeats what stays', async (site) => {
    const code = `
for index in range(${MANY_ENTRIES}):
    os.close(os.open(f'{directory}/{index}', os.O_CREAT | os.O_WRONLY))
seen = []
with os.scandir(directory) as entries:
    for entry in entries:
        seen.append(entry.name)
        if int(entry.name) % 2 == 0:
            os.unlink(entry.path)
odd = sorted(name for name in seen if int(name) % 2 == 1)
result = [len(odd), len(set(seen)) == len(seen), len(os.listdir(directory))]`;
    const half = MANY_ENTRIES / 2;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [half, true, half]);
  }),
  property('a listing read again from its start shows what changed', async (site) => {
    const code = `
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.c_void_p
for call in (libc.readdir, libc.rewinddir, libc.closedir):
    call.argtypes = [ctypes.c_void_p]
handle = libc.opendir(os.fsencode(directory))
def count():
    entries = 0
    while libc.readdir(handle):
        entries += 1
    return entries
before = count()
open(directory + '/new', 'w').close()
libc.rewinddir(handle)
result = [before, count()]
libc.closedir(handle)`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [2, 3]);
  }),
  property('listing tells the type and the inode that lstat tells', async (site) => {
    const code = `
os.mkdir(directory + '/folder')
os.symlink('x', directory + '/link')
os.mkfifo(directory + '/fifo')
open(directory + '/file', 'w').close()
result = [[entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink(), entry.inode() == os.lstat(entry.path).st_ino]
          for entry in sorted(os.scandir(directory), key=lambda entry: entry.name)]`;
    assert.equal(await site.probe.run(code, { directory: site.directory }), [
      ['fifo', false, false, true],
      ['file', false, false, true],
      ['folder', true, false, true],
      ['link', false, true, true],
    ]);
  }),
  property('dot and dot-dot name the directory and its parent', (site) => {
    mkdirSync(site.at('directory'));
    assert.is(lstat(`${site.at('directory')}/.`).ino, lstat(site.at('directory')).ino);
    assert.is(lstat(`${site.at('directory')}/..`).ino, lstat(site.directory).ino);
    rmdirSync(site.at('directory'));
  }),
  property('the empty path fails with ENOENT', async (site) => {
    await expectProbeErrno('ENOENT', site.probe.run("os.lstat('')"));
  }),
];
