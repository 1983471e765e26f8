// Tools that keep chunks of what they were given in a store, here at the receiver, who then takes the tree out of it.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Side } from '../side.ts';
import { overSsh, type Shell, SSH_PORT, type Transfer } from './ssh-tool.ts';
import type { Sides } from './subject.ts';

/** Runs a script in a directory at a side. */
const script = (side: Side, environment: readonly string[], text: string): Promise<string> =>
  side.run('env', ...environment, 'bash', '-o', 'pipefail', '-ec', text);

const storeOf = (sides: Sides): string => join(sides.b.directory, 'store');
const fresh = ({ target, group, names }: Transfer): string =>
  `mkdir -p ${join(target, group)} && cd ${join(target, group)} && rm -rf ${names.join(' ')}`;

const borgSettings = (side: Side): string[] => [
  `BORG_BASE_DIR=${side.directory}`,
  'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes',
  'BORG_RELOCATED_REPO_ACCESS_IS_OK=yes',
];
const borgRepository = (sides: Sides, { host }: Shell): string => `ssh://${host}:${SSH_PORT}${storeOf(sides)}`;

export const borg = overSsh({
  name: 'borg',
  prepare: (sides, shell) =>
    script(
      sides.a,
      [...borgSettings(sides.a), `BORG_RSH=${shell.ssh.join(' ')}`],
      `borg init -e none ${borgRepository(sides, shell)}`,
    ),
  transfer: async (transfer) => {
    const { sides, shell, source, group, names } = transfer;
    await script(
      sides.a,
      [...borgSettings(sides.a), `BORG_RSH=${shell.ssh.join(' ')}`],
      `cd ${join(source, group)} && borg create --compression zstd ${borgRepository(sides, shell)}::{now:%s%f} ${names.join(' ')}`,
    );
    const last = `borg list --last 1 --short ${storeOf(sides)}`;
    await script(sides.b, borgSettings(sides.b), `${fresh(transfer)} && borg extract ${storeOf(sides)}::$(${last})`);
  },
});

const RESTIC_SETTINGS = ['RESTIC_PASSWORD=compare'];

export const restic = overSsh({
  name: 'restic',
  prepare: (sides) =>
    script(
      sides.b,
      [...RESTIC_SETTINGS, `HOME=${sides.b.directory}`],
      `restic init --repository-version 2 -q -r ${storeOf(sides)}`,
    ),
  transfer: async (transfer) => {
    const { sides, shell, source, group, names } = transfer;
    const place = join(source, group);
    const sftp = `sftp.command=${shell.ssh.join(' ')} ${shell.host} -s sftp`;
    await script(
      sides.a,
      [...RESTIC_SETTINGS, `HOME=${sides.a.directory}`],
      `cd ${place} && restic backup -q -o '${sftp}' -r sftp:${shell.host}:${storeOf(sides)} ${names.join(' ')}`,
    );
    const restored = join(sides.b.directory, 'restored');
    await script(
      sides.b,
      [...RESTIC_SETTINGS, `HOME=${sides.b.directory}`],
      `rm -rf ${restored} && restic restore latest -q -r ${storeOf(sides)} --target ${restored} && ${fresh(transfer)} && mv ${names
        .map((name) => join(restored, name))
        .join(' ')} . && rm -rf ${restored}`,
    );
  },
});

/** casync takes one directory; its option for ssh names a program without parameters. */
export const casync = overSsh({
  name: 'casync',
  prepare: async (sides, shell) => {
    writeFileSync(sshProgram(sides), `#!/bin/sh\nexec ${shell.ssh.join(' ')} "$@"\n`);
    chmodSync(sshProgram(sides), 0o755);
    await sides.b.run('mkdir', '-p', storeOf(sides));
  },
  transfer: async (transfer) => {
    const { sides, shell, source, target, group } = transfer;
    const index = join(storeOf(sides), `${group}.caidx`);
    await script(
      sides.a,
      [`CASYNC_SSH_PATH=${sshProgram(sides)}`],
      `casync make ${shell.host}:${index} ${join(source, group)}`,
    );
    await script(
      sides.b,
      [],
      `mkdir -p ${join(target, group)} && casync extract --delete=yes ${index} ${join(target, group)}`,
    );
  },
});

const sshProgram = ({ a }: Sides): string => join(a.directory, 'ssh');
