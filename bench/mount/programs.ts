// The programs that the bench compiles for itself: the metadata client, and libfuse's two passthrough examples as the
// distribution has them (passthrough_ll.c is in libfuse3-dev, passthrough_hp.cc only in its source package).
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../../test/support/process.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url)).replace('/dist/bench/', '/bench/');
const EXAMPLES = '/usr/share/doc/libfuse3-dev/examples';
const FETCH_LIMIT_MS = 300_000;
/** What libfuse's own build finds. Without utimensat(2) writing back a file's times fails, and so does syncfs(2). */
const HAVE = ['UTIMENSAT', 'POSIX_FALLOCATE', 'SETXATTR'].map((name) => `-DHAVE_${name}`);

export async function compileMetadataClient(directory: string): Promise<string> {
  const program = join(directory, 'metadata_client');
  await runChecked('g++', ['-O2', '-std=c++20', '-o', program, join(HERE, 'metadata_client.cc')]);
  return program;
}

export async function compilePassthroughLow(directory: string): Promise<string> {
  const program = join(directory, 'passthrough_ll');
  const source = join(EXAMPLES, 'passthrough_ll.c');
  await runChecked('gcc', ['-O2', '-w', '-I', EXAMPLES, '-o', program, source, ...(await fuseFlags())]);
  return program;
}

/** Fetched once with apt, then kept beside the other things that benchmarks fetch. */
export async function compilePassthroughHigh(directory: string): Promise<string> {
  const home = process.env.HOME === undefined ? tmpdir() : homedir();
  const sources = join(process.env.XDG_CACHE_HOME ?? join(home, '.cache'), 'packetfs-bench');
  const source = join(sources, 'passthrough_hp.cc');
  if (!existsSync(source)) {
    await runChecked(join(HERE, 'passthrough-source.sh'), [sources], { limitMs: FETCH_LIMIT_MS });
  }
  const program = join(directory, 'passthrough_hp');
  await runChecked('g++', ['-O2', '-w', ...HAVE, '-o', program, source, ...(await fuseFlags())]);
  return program;
}

const fuseFlags = async (): Promise<string[]> =>
  (await runChecked('pkg-config', ['--cflags', '--libs', 'fuse3'])).trim().split(/\s+/);
