// Which times each call changes: of the directory it works in, and of the inode it works on.
import * as assert from 'uvu/assert';
import { property } from './property.ts';

/** `object`, made as the second field says, is acted on; expected changes of the directory and of the object. */
type Row = readonly [
  action: string,
  object: 'none' | 'file' | 'text' | 'directory' | 'link',
  directory: string,
  object: string,
];

const OPENED = (flags: string, action: string): string => `opened(path, ${flags}, lambda fd: ${action})`;

const ROWS: readonly Row[] = [
  ["open(directory + '/new', 'w').close()", 'none', 'mc', ''],
  ["os.mkdir(directory + '/new')", 'none', 'mc', ''],
  ["os.symlink('x', directory + '/new')", 'none', 'mc', ''],
  ["os.mkfifo(directory + '/new')", 'none', 'mc', ''],
  ["os.mknod(directory + '/new', 0o600 | stat.S_IFCHR, os.makedev(1, 3))", 'none', 'mc', ''],
  ['os.unlink(path)', 'file', 'mc', 'c'],
  ['os.unlink(path)', 'link', 'mc', 'c'],
  ['os.rmdir(path)', 'directory', 'mc', 'c'],
  ["os.link(path, directory + '/new')", 'file', 'mc', 'c'],
  ["os.link(path, directory + '/new', follow_symlinks=False)", 'link', 'mc', 'c'],
  ["os.rename(path, directory + '/new')", 'file', 'mc', 'c'],
  ["os.rename(path, directory + '/new')", 'directory', 'mc', 'c'],
  ['os.rename(path, path)', 'file', '', ''],
  ['os.chmod(path, 0o600)', 'file', '', 'c'],
  ['os.chmod(path, 0o644)', 'file', '', 'c'],
  ['os.chmod(path, 0o700)', 'directory', '', 'c'],
  ['os.chown(path, 1, 1)', 'file', '', 'c'],
  ['os.chown(path, -1, -1)', 'file', '', 'c'],
  ['os.lchown(path, 1, 1)', 'link', '', 'c'],
  ['os.utime(path, ns=(1, 2))', 'file', '', 'amc'],
  ['os.utime(path)', 'file', '', 'amc'],
  ['os.utime(path, ns=(1, 2), follow_symlinks=False)', 'link', '', 'amc'],
  ["os.setxattr(path, 'user.a', b'1')", 'file', '', 'c'],
  ["outcome(lambda: os.removexattr(path, 'user.a'))", 'file', '', ''],
  ['os.close(os.open(path, os.O_WRONLY | os.O_CREAT))', 'file', '', ''],
  ['os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))', 'text', '', 'mc'],
  ['os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))', 'file', '', 'mc'],
  ['os.truncate(path, 0)', 'file', '', 'mc'],
  ['os.truncate(path, 4)', 'text', '', 'mc'],
  ['os.truncate(path, 2)', 'text', '', 'mc'],
  [OPENED('os.O_WRONLY', 'os.ftruncate(fd, 4)'), 'text', '', 'mc'],
  [OPENED('os.O_WRONLY', "os.write(fd, b'x')"), 'text', '', 'mc'],
  [OPENED('os.O_WRONLY', "os.write(fd, b'')"), 'text', '', ''],
  [OPENED('os.O_WRONLY', "os.pwrite(fd, b'x', 100)"), 'file', '', 'mc'],
  [OPENED('os.O_RDWR', 'mapped(fd)'), 'text', '', 'mc'],
  ['outcome(lambda: os.mkdir(path))', 'file', '', ''],
  ['outcome(lambda: os.link(path, path))', 'file', '', ''],
  ['outcome(lambda: os.rmdir(path))', 'file', '', ''],
  ['outcome(lambda: os.truncate(path, -1))', 'text', '', ''],
  ['os.stat(path)', 'file', '', ''],
];

const RUN = `
def mapped(fd):
    memory = mmap.mmap(fd, 4)
    memory[0:1] = b'm'
    memory.close()
path = directory + '/object'
make = {'none': lambda: None, 'file': lambda: open(path, 'w').close(), 'text': lambda: open(path, 'w').write('text'),
        'directory': lambda: os.mkdir(path), 'link': lambda: os.symlink('x', path)}
os.mkdir(directory)
make[kind]()
watched = [] if kind == 'none' else [os.open(path, os.O_PATH | os.O_NOFOLLOW)]
result = times_changed(lambda: eval(action), directory, *watched)
if watched: os.close(watched[0])
`;

export const timeProperties = [
  property('each call changes the times that POSIX says, and no others', async (site) => {
    for (const [index, [action, kind, ofDirectory, ofObject]] of ROWS.entries()) {
      const directory = site.at(String(index));
      const seen = await site.probe.run(RUN.replace('eval(action)', action), { directory, kind });
      const [seenDirectory, seenObject = ''] = seen as string[];
      // Mapping a file reads it: whether that shows in the access time is the access times' own property.
      const object = action.includes('mapped') ? seenObject.replace('a', '') : seenObject;
      assert.equal([seenDirectory, object], [ofDirectory, ofObject], `${action} on ${kind}`);
    }
  }),
  property(
    'renaming changes the change time of what moves and of what it replaces, and both directories',
    async (site) => {
      const code = `
result = []
for kind in ['file', 'directory']:
    for replaces in [False, True]:
        for crosses in [False, True]:
            place = f'{directory}/{len(result)}'
            for name in ['', '/from', '/to']: os.mkdir(place + name)
            source, target = place + '/from/source', place + ('/to' if crosses else '/from') + '/target'
            for path in [source] + ([target] if replaces else []):
                open(path, 'w').close() if kind == 'file' else os.mkdir(path)
            replaced = [os.open(target, os.O_PATH)] if replaces else []
            moved = os.open(source, os.O_PATH)
            changes = times_changed(lambda: os.rename(source, target), moved, place + '/from', place + '/to', *replaced)
            links = [os.lstat(place + name).st_nlink for name in ['/from', '/to']]
            result.append([kind, replaces, crosses, changes, links, [os.fstat(fd).st_nlink for fd in replaced]])`;
      const cases = (await site.probe.run(code, { directory: site.directory })) as unknown as RenameCase[];
      assert.is(cases.length, 8);
      for (const [kind, replaces, crosses, changes, links, replacedLinks] of cases) {
        const about = `${kind} ${replaces} ${crosses}`;
        assert.equal(changes, ['c', 'mc', crosses ? 'mc' : '', ...(replaces ? ['c'] : [])], about);
        const isDirectory = kind === 'directory';
        assert.equal(links, [isDirectory && !crosses ? 3 : 2, isDirectory && crosses ? 3 : 2], about);
        assert.equal(replacedLinks, replaces ? [0] : [], about);
      }
    },
  ),
];

type RenameCase = [
  kind: string,
  replaces: boolean,
  crosses: boolean,
  changes: string[],
  links: number[],
  replacedLinks: number[],
];
