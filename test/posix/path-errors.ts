// What every call answers when a path cannot be followed: the errno, and that nothing was changed.
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { lstat, type Property, property, type Site } from './property.ts';

interface Situation {
  readonly name: string;
  /** Python that prepares `directory`. */
  readonly prepare?: string;
  readonly path: string;
  readonly errno: string;
  /** Calls that answer otherwise, with what. */
  readonly except?: Readonly<Record<string, string>>;
  /** Calls that succeed here and would change the site. */
  readonly skipped?: readonly string[];
  readonly uid?: number;
}

const OTHER_USER = 12_345;
const same = (outcome: string, ...calls: readonly string[]): Record<string, string> =>
  Object.fromEntries(calls.map((call) => [call, outcome]));
const MAKING = ['mkdir', 'mkfifo', 'mknod', 'symlink', 'create exclusively', 'link to'];
const LOOP = "os.symlink('two', directory + '/one')\nos.symlink('one', directory + '/two')";
const FILE = "open(directory + '/file', 'w').close()";

const SITUATIONS: readonly Situation[] = [
  { name: 'below a file', prepare: FILE, path: 'file/name', errno: 'ENOTDIR' },
  { name: 'below a fifo', prepare: "os.mkfifo(directory + '/fifo')", path: 'fifo/name', errno: 'ENOTDIR' },
  {
    name: 'below a link to a file',
    prepare: `${FILE}\nos.symlink('file', directory + '/link')`,
    path: 'link/name',
    errno: 'ENOTDIR',
  },
  { name: 'below a missing directory', path: 'missing/name', errno: 'ENOENT' },
  {
    name: 'below a dangling link',
    prepare: "os.symlink('missing', directory + '/link')",
    path: 'link/name',
    errno: 'ENOENT',
  },
  { name: 'with a last name of 256 bytes', path: 'n'.repeat(256), errno: 'ENAMETOOLONG' },
  { name: 'below a name of 256 bytes', path: `${'n'.repeat(256)}/name`, errno: 'ENAMETOOLONG' },
  { name: 'of more than 4095 bytes', path: `${'./'.repeat(2048)}name`, errno: 'ENAMETOOLONG' },
  { name: 'below a loop of links', prepare: LOOP, path: 'one/name', errno: 'ELOOP' },
  {
    name: 'that ends in a loop of links',
    prepare: LOOP,
    path: 'one',
    errno: 'ELOOP',
    except: { ...same('EEXIST', ...MAKING), rmdir: 'ENOTDIR' },
    skipped: ['lchown', 'unlink', 'lstat', 'readlink', 'link from', 'rename from', 'rename to'],
  },
  {
    name: 'in a directory without search permission',
    prepare: "os.mkdir(directory + '/closed', 0o666)\nopen(directory + '/closed/name', 'w').close()",
    path: 'closed/name',
    errno: 'EACCES',
    uid: OTHER_USER,
  },
  {
    name: 'of nothing, in a directory without write permission',
    path: 'name',
    errno: 'ENOENT',
    except: same('EACCES', ...MAKING, 'create', 'rename to'),
    uid: OTHER_USER,
  },
];

/** What each of probe.py's `operations` gave, by its name. */
async function outcomes(site: Site, { path, uid = 0, skipped = [] }: Situation): Promise<Map<string, string>> {
  const { directory } = site;
  const code = 'result = attempt_all(directory, path, uid, skipped)';
  return new Map((await site.probe.run(code, { directory, path, uid, skipped })) as [string, string][]);
}

const seenIn = (directory: string): readonly unknown[] => {
  const { mtimeNs, ctimeNs, nlink } = lstat(directory);
  return [readdirSync(directory).sort(), mtimeNs, ctimeNs, nlink];
};

export const pathErrorProperties: readonly Property[] = SITUATIONS.map((situation) => {
  const { name, prepare = '', errno, except = {} } = situation;
  return property(`every call on a path ${name} fails with ${errno}, and changes nothing`, async (site) => {
    const { directory } = site;
    // Owned by the caller, because others may not link it (fs.protected_hardlinks).
    const source = "source = directory + '/source'\nopen(source, 'w').close()\nos.chown(source, uid, uid)";
    await site.probe.run(`${prepare}\n${source}`, { directory, uid: situation.uid ?? 0 });
    const before = seenIn(directory);
    const seen = await outcomes(site, situation);
    assert.ok(seen.size >= 20, `${seen.size} calls`);
    const expected = new Map([...seen.keys()].map((call) => [call, except[call] ?? errno]));
    assert.equal(Object.fromEntries(seen), Object.fromEntries(expected));
    assert.equal(seenIn(directory), before);
  });
});
