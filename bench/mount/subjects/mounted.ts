// The filesystems beside PacketFS: each is a command that mounts `stored` on `mount`, and is unmounted by umount(8).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMounted } from '../../../test/support/mounts.ts';
import { run, runChecked, waitFor } from '../../../test/support/process.ts';
import type { RunningSubject, Subject } from './subject.ts';

const SFTP_SERVER = '/usr/lib/openssh/sftp-server';
const PASSWORD = 'bench';

/** Programs that the bench compiles for itself. */
export interface CompiledPassthroughs {
  readonly low: string;
  /** Undefined where its source was not to be had. */
  readonly high: string | undefined;
}

/** The disk's own filesystem. */
export const plainDisk: Subject = {
  name: 'disk',
  describe: async () => (await runChecked('findmnt', ['-n', '-o', 'FSTYPE,OPTIONS', '-T', '.'])).trim(),
  start: (directory) => Promise.resolve({ work: directory, backing: directory, stop: () => Promise.resolve() }),
};

export function mountedSubjects({ low, high }: CompiledPassthroughs): Subject[] {
  return [
    ...(high === undefined ? [] : [passthroughHigh(high)]),
    mounted({
      name: 'passthrough_ll',
      describe: async () => `${await fuseVersion()}, -o cache=always,writeback`,
      command: ({ stored, mount }) => [low, '-o', `source=${stored},cache=always,writeback,allow_other`, mount],
    }),
    mounted({
      name: 'bindfs',
      describe: () => packageVersion('bindfs'),
      command: ({ stored, mount }) => ['bindfs', stored, mount],
    }),
    mounted({
      name: 'sshfs',
      describe: async () =>
        `${await packageVersion('sshfs')}, its sftp-server on the same machine over a pipe, without a cipher`,
      // sshfs adds arguments for ssh, which the shell takes as names and leaves alone.
      command: ({ stored, mount }) => ['sshfs', '-o', `ssh_command=sh -c ${SFTP_SERVER}`, `localhost:${stored}`, mount],
    }),
    mounted({
      name: 'gocryptfs',
      describe: () => packageVersion('gocryptfs'),
      prepare: ({ stored }) => ['gocryptfs', '-q', '-init', '-scryptn', '10', '-extpass', `echo ${PASSWORD}`, stored],
      command: ({ stored, mount }) => ['gocryptfs', '-q', '-extpass', `echo ${PASSWORD}`, stored, mount],
    }),
  ];
}

/** With its defaults: everything cached for a day, writeback cache, splice. */
const passthroughHigh = (program: string): Subject =>
  mounted({
    name: 'passthrough_hp',
    describe: async () => `${await fuseVersion()}, with its defaults (caches for a day, writeback)`,
    command: ({ stored, mount }) => [program, stored, mount],
  });

interface Directories {
  readonly stored: string;
  readonly mount: string;
}

interface MountRecipe {
  readonly name: string;
  readonly describe: () => Promise<string>;
  readonly prepare?: (directories: Directories) => readonly string[];
  readonly command: (directories: Directories) => readonly string[];
}

function mounted({ name, describe, prepare, command }: MountRecipe): Subject {
  return {
    name,
    describe,
    start: async (directory): Promise<RunningSubject> => {
      const directories = { stored: join(directory, 'stored'), mount: join(directory, 'mount') };
      for (const path of Object.values(directories)) mkdirSync(path);
      if (prepare !== undefined) await runCommand(prepare(directories));
      await runCommand(command(directories));
      await waitFor(`${name} to be mounted`, () => (isMounted(directories.mount) ? true : undefined));
      return {
        work: directories.mount,
        backing: directories.stored,
        stop: async () => {
          await runChecked('umount', [directories.mount]);
        },
      };
    },
  };
}

const runCommand = ([program = '', ...parameters]: readonly string[]): Promise<string> =>
  runChecked(program, parameters);

async function packageVersion(name: string): Promise<string> {
  const { code, stdout } = await run('dpkg-query', ['-W', name]);
  return code === 0 ? stdout.trim().replace('\t', ' ') : `${name}, of unknown version`;
}

const fuseVersion = async (): Promise<string> =>
  `libfuse ${(await runChecked('pkg-config', ['--modversion', 'fuse3'])).trim()}`;
