// Who may change what, each case against the rule that POSIX and Linux give: owners, groups, sticky and set-id bits.
import * as assert from 'uvu/assert';
import { property } from './property.ts';

const ACTOR = 1000;
const SET_USER = 0o4000;
const SET_GROUP = 0o2000;
const GROUP_EXECUTE = 0o0010;

/** What a change of owner, or of content by others than root, leaves of the mode of a file. */
const withoutSetId = (mode: number): number => mode & ~(SET_USER | ((mode & GROUP_EXECUTE) === 0 ? 0 : SET_GROUP));

type ChmodCase = [kind: string, owner: number, isMember: boolean, mode: number, outcome: string, after: number];
type ChownToNobodyCase = [kind: string, who: string, mode: number, outcome: string, changed: string, after: number];
type ChownCase = [
  kind: string,
  who: string,
  uid: number,
  gid: number,
  mode: number,
  outcome: string,
  changed: string,
  after: number,
];
type StickyCase = [kind: string, call: string, isSticky: boolean, owner: number, fileOwner: number, outcome: string];

export const permissionProperties = [
  property('chmod: the owner alone, and the set-group-id bit for members of the group alone', async (site) => {
    const code = `
result = []
for kind in ['file', 'directory', 'fifo']:
    for owner in [1000, 1001]:
        for groups in [[2000], []]:
            for mode in [0o644, 0o4755, 0o2755, 0o2644, 0o1777, 0o7777]:
                path = f'{directory}/{len(result)}'
                {'file': lambda: open(path, 'w').close(), 'directory': lambda: os.mkdir(path), 'fifo': lambda: os.mkfifo(path)}[kind]()
                os.chmod(path, 0o600)
                os.chown(path, owner, 2000)
                done = outcome(lambda: os.chmod(path, mode), 1000, groups)
                result.append([kind, owner, groups != [], mode, done, os.lstat(path).st_mode & 0o7777])`;
    const cases = (await site.probe.run(code, { directory: site.directory })) as unknown as ChmodCase[];
    assert.is(cases.length, 72);
    for (const [kind, owner, isMember, mode, outcome, after] of cases) {
      const expected = owner !== ACTOR ? ['EPERM', 0o600] : ['ok', isMember ? mode : mode & ~SET_GROUP];
      assert.equal([outcome, after], expected, `${kind} ${owner} ${isMember} ${mode.toString(8)}`);
    }
  }),
  property('chown: root to anyone, the owner to its own groups, and the set-id bits of files go', async (site) => {
    const code = `
result = []
for kind in ['file', 'directory']:
    for who, uid in [('root', 0), ('owner', 1000), ('other', 1001)]:
        for new_uid, new_gid in [(1001, -1), (-1, 2000), (-1, 3000), (1000, 2000), (1000, -1), (0, 0)]:
            for mode in [0o644, 0o6777, 0o4711]:
                path = f'{directory}/{len(result)}'
                open(path, 'w').close() if kind == 'file' else os.mkdir(path)
                os.chown(path, 1000, 1000)
                os.chmod(path, mode)
                done = []
                change = times_changed(lambda: done.append(outcome(lambda: os.chown(path, new_uid, new_gid), uid, [2000])), path)
                result.append([kind, who, new_uid, new_gid, mode, done[0], change[0], os.lstat(path).st_mode & 0o7777])`;
    const cases = (await site.probe.run(code, { directory: site.directory })) as unknown as ChownCase[];
    assert.is(cases.length, 108);
    for (const [kind, who, uid, gid, mode, outcome, changed, after] of cases) {
      const toOwnGroup = [-1, ACTOR].includes(uid) && [-1, ACTOR, 2000].includes(gid);
      const isAllowed = who === 'root' || (who === 'owner' && toOwnGroup);
      const left = kind === 'file' ? withoutSetId(mode) : mode;
      const expected = isAllowed ? ['ok', 'c', left] : ['EPERM', '', mode];
      assert.equal([outcome, changed, after], expected, `${kind} ${who} ${uid}:${gid} ${mode.toString(8)}`);
    }
  }),
  property('chown to nobody else is for everyone, but where set-id bits would go for the owner alone', async (site) => {
    const code = `
result = []
make = {'file': lambda: open(path, 'w').close(), 'fifo': lambda: os.mkfifo(path), 'directory': lambda: os.mkdir(path)}
for kind in make:
    for who, uid in [('root', 0), ('owner', 1000), ('other', 1001)]:
        for mode in [0o644, 0o6777, 0o4711]:
            path = f'{directory}/{len(result)}'
            make[kind]()
            os.chown(path, 1000, 1000)
            os.chmod(path, mode)
            done = []
            change = times_changed(lambda: done.append(outcome(lambda: os.chown(path, -1, -1), uid, [2000])), path)
            result.append([kind, who, mode, done[0], change[0], os.lstat(path).st_mode & 0o7777])`;
    const cases = (await site.probe.run(code, { directory: site.directory })) as unknown as ChownToNobodyCase[];
    assert.is(cases.length, 27);
    for (const [kind, who, mode, outcome, changed, after] of cases) {
      const left = kind === 'directory' ? mode : withoutSetId(mode);
      const expected = who === 'other' && left !== mode ? ['EPERM', '', mode] : ['ok', 'c', left];
      assert.equal([outcome, changed, after], expected, `${kind} ${who} ${mode.toString(8)}`);
    }
  }),
  property(
    'chown to nobody else by others is refused where set-id bits would go, of a file that is open for writing too',
    async (site) => {
      const code = `
fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
os.fchmod(fd, 0o6777)
result = [outcome(lambda: os.chown(path, -1, -1), 1001), os.fstat(fd).st_mode & 0o7777]
os.close(fd)`;
      assert.equal(await site.probe.run(code, { path: site.at('file') }), ['EPERM', 0o6777]);
    },
  ),
  property('a sticky directory: its owner and the owner of the file alone remove, rename and replace', async (site) => {
    const code = `
result = []
for kind in ['file', 'directory']:
    for call in ['remove', 'rename', 'replace']:
        for sticky in [True, False]:
            for owner in [1000, 1001]:
                for file_owner in [1000, 1001]:
                    place = f'{directory}/{len(result)}'
                    os.mkdir(place)
                    for name, uid in [('name', file_owner), ('own', 1000)]:
                        open(f'{place}/{name}', 'w').close() if kind == 'file' else os.mkdir(f'{place}/{name}')
                        os.chown(f'{place}/{name}', uid, uid)
                    os.chown(place, owner, owner)
                    os.chmod(place, 0o1777 if sticky else 0o777)
                    calls = {'remove': lambda: (os.unlink if kind == 'file' else os.rmdir)(place + '/name'),
                             'rename': lambda: os.rename(place + '/name', place + '/new'),
                             'replace': lambda: os.rename(place + '/own', place + '/name')}
                    result.append([kind, call, sticky, owner, file_owner, outcome(calls[call], 1000)])`;
    const cases = (await site.probe.run(code, { directory: site.directory })) as unknown as StickyCase[];
    assert.is(cases.length, 48);
    for (const [kind, call, isSticky, owner, fileOwner, outcome] of cases) {
      const isAllowed = !isSticky || owner === ACTOR || fileOwner === ACTOR;
      assert.is(outcome, isAllowed ? 'ok' : 'EPERM', `${call} a ${kind}: ${isSticky} ${owner} ${fileOwner}`);
    }
  }),
  property('every change of content by another user clears the set-id bits, by root none', async (site) => {
    const code = `
changes = {'write': lambda: opened(path, os.O_WRONLY, lambda fd: os.write(fd, b'x')), 'append': lambda: opened(path, os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b'x')),
           'pwrite': lambda: opened(path, os.O_WRONLY, lambda fd: os.pwrite(fd, b'x', 9)), 'truncate': lambda: os.truncate(path, 2), 'grow': lambda: os.truncate(path, 9),
           'ftruncate': lambda: opened(path, os.O_WRONLY, lambda fd: os.ftruncate(fd, 2)), 'allocate': lambda: opened(path, os.O_WRONLY, lambda fd: fallocate(fd, 0, 0, 9000)),
           'punch': lambda: opened(path, os.O_WRONLY, lambda fd: fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 2)),
           'copy': lambda: opened(path, os.O_RDWR, lambda fd: os.copy_file_range(os.open(path, os.O_RDONLY), fd, 2, 0, 100))}
result = []
for uid in [12345, 0]:
    for name, change in changes.items():
        open(path, 'w').write('text')
        os.chmod(path, 0o6777)
        result.append([uid, name, outcome(change, uid), os.lstat(path).st_mode & 0o7777])`;
    const cases = (await site.probe.run(code, { path: site.at('file') })) as unknown as [
      number,
      string,
      string,
      number,
    ][];
    assert.is(cases.length, 18);
    for (const [uid, name, outcome, mode] of cases) {
      assert.equal([outcome, mode], ['ok', uid === 0 ? 0o6777 : 0o777], `${name} by ${uid}`);
    }
  }),
  property(
    'a file that is set-group-id without group execution loses the bit to writers of other groups',
    async (site) => {
      const code = `
open(path, 'w').write('text')
os.chmod(path, 0o2666)
def write():
    os.write(os.open(path, os.O_WRONLY), b'x')
as_user(12345, write)
result = os.lstat(path).st_mode & 0o7777`;
      assert.is(await site.probe.run(code, { path: site.at('file') }), 0o666);
    },
  ),
];
