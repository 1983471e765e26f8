// Tools over ssh: rsync, scp, and tar through zstd. The server is Debian's sshd with its defaults, for one key.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import { makePlaces, serve } from './places.ts';
import type { RunningSubject, Sides, Subject } from './subject.ts';

const PORT = 2222;
/** sshd wants it to be there, and nothing else. */
const PRIVILEGE_SEPARATION = '/run/sshd';

interface Shell {
  /** What runs ssh, before the receiver's name; the same options for scp, which has its own for the port. */
  readonly ssh: readonly string[];
  readonly options: readonly string[];
  readonly host: string;
}

type Transfer = (context: {
  readonly sides: Sides;
  readonly shell: Shell;
  readonly source: string;
  readonly target: string;
  readonly group: string;
  readonly names: readonly string[];
}) => Promise<unknown>;

function overSsh(name: string, transfer: Transfer, leavesOut: readonly string[] = []): Subject {
  return {
    name,
    leavesOut,
    async start(sides: Sides): Promise<RunningSubject> {
      const { source, target } = makePlaces(sides);
      const { shell, stop } = await startServer(sides);
      return {
        source,
        target,
        stop,
        transfer: async (group, names) => {
          await transfer({ sides, shell, source, target, group, names });
        },
      };
    },
  };
}

async function startServer({ a, b }: Sides): Promise<{ shell: Shell; stop: () => Promise<void> }> {
  const [hostKey, key] = [join(b.directory, 'host-key'), join(a.directory, 'key')];
  for (const path of [hostKey, key]) await runChecked('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  const configuration = [
    `Port ${PORT}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${key}.pub`,
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'PidFile none',
    'LogLevel ERROR',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(join(b.directory, 'sshd_config'), `${configuration.join('\n')}\n`);
  await runChecked('mkdir', ['-p', PRIVILEGE_SEPARATION]);
  const stop = await serve(b, PORT, '/usr/sbin/sshd', '-D', '-e', '-f', join(b.directory, 'sshd_config'));
  const settings = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
  const options = ['-i', key, ...settings.flatMap((setting) => ['-o', setting])];
  return { shell: { ssh: ['ssh', ...options, '-p', String(PORT)], options, host: `root@${b.end.address}` }, stop };
}

export const rsyncOverSsh = overSsh('rsync -az, ssh', ({ sides, shell, source, target, group }) =>
  sides.a.run(
    ...['rsync', '-az', '--delete', '-e', shell.ssh.join(' ')],
    ...[`${join(source, group)}/`, `${shell.host}:${join(target, group)}/`],
  ),
);

/** Round trips for each file. */
const SCP_LEAVES_OUT = ['many-files', 'ten-releases'];

export const scp = overSsh(
  'scp',
  async ({ sides, shell, source, target, group, names }) => {
    const place = join(target, group);
    const make = `mkdir -p ${place} && cd ${place} && rm -rf ${names.join(' ')}`;
    await sides.a.run(...shell.ssh, shell.host, make);
    const from = names.map((name) => join(source, group, name));
    const to = `${shell.host}:${place}/`;
    await sides.a.run('scp', '-q', '-r', ...shell.options, '-P', String(PORT), ...from, to);
  },
  SCP_LEAVES_OUT,
);

export const tarZstdOverSsh = overSsh('tar | zstd | ssh', ({ sides, shell, source, target, group, names }) => {
  const place = join(target, group);
  const receive = `mkdir -p ${place} && cd ${place} && rm -rf ${names.join(' ')} && zstd -dc | tar -xf -`;
  const send = `cd ${join(source, group)} && tar -cf - ${names.join(' ')} | zstd -3 -T0 | ${shell.ssh.join(' ')} ${shell.host} '${receive}'`;
  return sides.a.run('bash', '-o', 'pipefail', '-ec', send);
});
