// What the programs work on: made once for a run, on the measured disk but outside of every subject, and in the page
// cache by then.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRepository } from '../../test/support/git-history.ts';
import { runChecked } from '../../test/support/process.ts';
import { seededRandom } from '../../test/support/seeded-random.ts';
import type { Sizes } from './group.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/dist\/$/, '/');
const SEED = 3;
const NPM_LIMIT_MS = 600_000;
const SMALL_PACKAGE = 'long';
const SMALL_FILES_PER_DIRECTORY = 100;
const SMALL_FILE_MEDIAN_BYTES = 1500;

export interface Fixtures {
  /** Packages of node_modules: ordinary files of ordinary sizes. */
  readonly tree: () => Promise<string>;
  /** The tree as a tar archive. */
  readonly archive: () => Promise<string>;
  /** Small files of random bytes, a hundred to a directory. */
  readonly smallFiles: () => Promise<string>;
  /** A bare git repository. */
  readonly repository: () => Promise<string>;
  /** A directory with package.json and package-lock.json; everything they name is in npm's cache. */
  readonly npmProject: () => Promise<string>;
  readonly npmCi: readonly string[];
}

export function makeFixtures(scratch: string, sizes: Sizes): Fixtures {
  const cache = npmCache();
  const npmCi = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--cache', cache];
  const tree = once(() => makeTree(join(scratch, 'tree'), sizes.treePackages));
  return {
    tree,
    archive: once(async () => {
      const archive = join(scratch, 'tree.tar');
      await runChecked('tar', ['-cf', archive, '-C', await tree(), '.']);
      return archive;
    }),
    smallFiles: once(() => makeSmallFiles(join(scratch, 'small-files'), sizes.smallFiles)),
    repository: once(async () => {
      const repository = join(scratch, 'repository.git');
      await makeRepository(repository, { commits: sizes.commits, files: sizes.files, seed: SEED });
      return repository;
    }),
    npmProject: once(async () => {
      const project = sizes.npm === 'own' ? copyOwnProject(scratch) : await makeSmallProject(scratch);
      const trial = join(scratch, 'npm-trial');
      cpSync(project, trial, { recursive: true });
      await runChecked(npmCi[0] ?? '', npmCi.slice(1), { directory: trial, limitMs: NPM_LIMIT_MS });
      return project;
    }),
    npmCi,
  };
}

function once<Value>(make: () => Value | Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= Promise.resolve(make());
    return made;
  };
}

function makeTree(directory: string, packages: readonly string[]): string {
  for (const name of packages) {
    cpSync(join(ROOT, 'node_modules', name), join(directory, name), { recursive: true, dereference: true });
  }
  return directory;
}

/** As long as files of source trees are: from 375 bytes to 6 KB, half of them below 1.5 KB. */
function makeSmallFiles(directory: string, count: number): string {
  const random = seededRandom(SEED);
  for (let index = 0; index < count; index++) {
    const parent = join(directory, `directory-${Math.floor(index / SMALL_FILES_PER_DIRECTORY)}`);
    mkdirSync(parent, { recursive: true });
    const bytes = Math.round(SMALL_FILE_MEDIAN_BYTES * 4 ** (2 * random.unit() - 1));
    writeFileSync(join(parent, `file-${index}`), random.bytes(bytes));
  }
  return directory;
}

/** PacketFS's own dependencies: some 7,800 files, 240 MB. */
function copyOwnProject(scratch: string): string {
  const project = join(scratch, 'npm-project');
  mkdirSync(project);
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(ROOT, name), join(project, name));
  return project;
}

/** One package from an archive beside it: needs no network. */
async function makeSmallProject(scratch: string): Promise<string> {
  const project = join(scratch, 'npm-project');
  mkdirSync(project);
  const packed = await runChecked('npm', [
    ...['pack', '--silent', '--ignore-scripts', '--pack-destination', project],
    join(ROOT, 'node_modules', SMALL_PACKAGE),
  ]);
  const dependencies = { [SMALL_PACKAGE]: `file:${packed.trim()}` };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'bench', version: '1.0.0', dependencies }));
  await runChecked('npm', ['install', '--package-lock-only', '--ignore-scripts', '--offline', '--no-audit'], {
    directory: project,
  });
  return project;
}

function npmCache(): string {
  const home = process.env.HOME === undefined ? tmpdir() : homedir();
  const usual = join(home, '.npm');
  return existsSync(usual) ? usual : join(process.env.XDG_CACHE_HOME ?? join(home, '.cache'), 'packetfs-bench', 'npm');
}
