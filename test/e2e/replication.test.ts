// What is copied into one mount is at the other, byte for byte, in both directions.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTrees } from '../support/compare-trees.ts';
import { run, runChecked, waitFor } from '../support/process.ts';
import { makeSourceTree } from '../support/source-tree.ts';
import { withCluster } from '../support/with-cluster.ts';

const WRITING_SECONDS = 10;

const test = suite('replication');

test(
  'a copied tree is identical at the other node, and a second rsync has nothing to do on either',
  withCluster(async ({ a, b }) => {
    const source = join(mkdtempSync(join(tmpdir(), 'source-')), 'tree');
    makeSourceTree(source);
    await runChecked('rsync', ['-aHAX', `${source}/`, `${a.at('tree')}/`]);
    await a.sync();
    for (const node of [a, b]) {
      const { equal, text } = await compareTrees(source, node.at('tree'));
      assert.ok(equal, text);
      const rsync = ['-aHAXn', '--checksum', '-i', '--delete', `${source}/`, `${node.at('tree')}/`];
      assert.is(await runChecked('rsync', rsync), '');
    }
  }),
);

test(
  'what is written at the second node appears at the first',
  withCluster(async ({ a, b }) => {
    writeFileSync(b.at('from-b'), 'written on B');
    await b.sync();
    assert.is(readFileSync(a.at('from-b'), 'utf8'), 'written on B');
    writeFileSync(a.at('from-b'), 'changed on A');
    await a.sync();
    assert.is(readFileSync(b.at('from-b'), 'utf8'), 'changed on A');
  }),
);

test(
  'a directory that the peer removed, and that goes with its last file, is not shown any more by the kernel',
  withCluster(async ({ a, b }) => {
    mkdirSync(a.at('outer', 'inner'), { recursive: true });
    await a.sync();
    await a.stop();
    writeFileSync(b.at('outer', 'inner', 'file'), 'while it is removed at A');
    await b.stop();
    await a.start();
    rmdirSync(a.at('outer', 'inner'));
    rmdirSync(a.at('outer'));
    writeFileSync(a.at('after'), 'the removals are at B when this is');
    await b.start();
    await waitFor('what A did', () => (existsSync(b.at('after')) ? true : undefined));
    const { nlink } = statSync(b.mountPoint);
    assert.is(readFileSync(b.at('outer', 'inner', 'file'), 'utf8'), 'while it is removed at A');
    unlinkSync(b.at('outer', 'inner', 'file'));
    await waitFor('the kernel to hear of it', () => (existsSync(b.at('outer')) ? undefined : true));
    assert.equal(readdirSync(b.mountPoint), ['after']);
    assert.is(statSync(b.mountPoint).nlink, nlink - 1);
  }),
);

const WRITER = `
import os, random, sys, time
root, name, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
generator = random.Random(seed)
own, shared = root + '/' + name, root + '/shared'
os.makedirs(own, exist_ok=True)
end, rounds, paths = time.monotonic() + seconds, 0, []
while time.monotonic() < end:
    rounds += 1
    choice = generator.random()
    if choice < 0.6 or not paths:
        path = generator.choice([own, shared]) + f'/{name}-{rounds}'
        with open(path, 'wb') as file:
            file.write(generator.randbytes(generator.randrange(1, 50000)))
        paths.append(path)
    elif choice < 0.75:
        with open(generator.choice(paths), 'r+b') as file:
            file.seek(generator.randrange(0, 20000))
            file.write(generator.randbytes(1000))
    elif choice < 0.85:
        index = generator.randrange(len(paths))
        target = own + f'/moved-{rounds}'
        os.rename(paths[index], target)
        paths[index] = target
    elif choice < 0.95:
        os.unlink(paths.pop(generator.randrange(len(paths))))
    else:
        os.chmod(generator.choice(paths), generator.choice([0o600, 0o644, 0o755]))
print(rounds)
`;

test(
  'two nodes that write different files at once end with identical trees',
  withCluster(async ({ a, b }) => {
    const seed = Number(process.env.PFS_SEED ?? Date.now() % 1_000_000);
    console.log(`PFS_SEED=${seed}`);
    // Made by both at once, it would be two directories, and one of them shown under a conflict's name.
    mkdirSync(a.at('shared'));
    await a.sync();
    const writers = [a, b].map((node, index) =>
      run('python3', ['-c', WRITER, node.mountPoint, `writer-${index}`, String(WRITING_SECONDS), String(seed + index)]),
    );
    for (const { code, stdout, stderr } of await Promise.all(writers)) {
      assert.is(code, 0, stderr);
      assert.ok(Number(stdout) > 10, `${stdout} rounds`);
    }
    await a.sync();
    await b.sync();
    const { equal, text } = await compareTrees(a.mountPoint, b.mountPoint);
    assert.ok(equal, text);
  }),
);

const CREATOR = `
import os, sys
for number in range(int(sys.argv[2])):
    os.close(os.open(os.path.join(sys.argv[1], f"name-{number}"), os.O_CREAT | os.O_WRONLY))
`;
const CREATED = 200;

test(
  'what lost a name to a conflict is found under it once the winner is removed',
  withCluster(async ({ a, b }) => {
    mkdirSync(a.at('shared'));
    await a.sync();
    const names = Array.from({ length: CREATED }, (_, number) => `name-${number}`);
    const creators = [a, b].map((node) => run('python3', ['-c', CREATOR, node.at('shared'), String(CREATED)]));
    for (const { code, stderr } of await Promise.all(creators)) assert.is(code, 0, stderr);
    await a.sync();
    await b.sync();
    for (const name of names) unlinkSync(a.at(`shared/${name}`));
    // Before the listing, which would tell the kernel what is there.
    const found = names.filter((name) => existsSync(a.at(`shared/${name}`)));
    const listed = new Set(readdirSync(a.at('shared')));
    const lost = names.filter((name) => listed.has(name));
    console.log(`${lost.length} of ${CREATED} names had been given twice`);
    assert.ok(lost.length > 0, 'both created some name before they heard of each other');
    assert.equal(found, lost);
  }),
);

test.run();
