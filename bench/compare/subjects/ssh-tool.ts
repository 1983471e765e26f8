// What tools over ssh share: a server at the receiver, Debian's sshd with its defaults, for one key.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import { makePlaces, serve } from './places.ts';
import type { RunningSubject, Sides, Subject } from './subject.ts';

export const SSH_PORT = 2222;
/** sshd wants it to be there, and nothing else. */
const PRIVILEGE_SEPARATION = '/run/sshd';

export interface Shell {
  /** What runs ssh, before the receiver's name; the same options for scp, which has its own for the port. */
  readonly ssh: readonly string[];
  readonly options: readonly string[];
  readonly host: string;
}

export interface Transfer {
  readonly sides: Sides;
  readonly shell: Shell;
  readonly source: string;
  readonly target: string;
  readonly group: string;
  readonly names: readonly string[];
}

export interface SshTool {
  readonly name: string;
  readonly leavesOut?: readonly string[];
  /** Before anything is measured. */
  readonly prepare?: (sides: Sides, shell: Shell) => Promise<unknown>;
  readonly transfer: (transfer: Transfer) => Promise<unknown>;
}

export function overSsh({ name, leavesOut = [], prepare, transfer }: SshTool): Subject {
  return {
    name,
    leavesOut,
    async start(sides: Sides): Promise<RunningSubject> {
      const { source, target } = makePlaces(sides);
      const { shell, stop } = await startServer(sides);
      await prepare?.(sides, shell);
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
    `Port ${SSH_PORT}`,
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
  const stop = await serve(b, SSH_PORT, '/usr/sbin/sshd', '-D', '-e', '-f', join(b.directory, 'sshd_config'));
  const settings = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
  const options = ['-i', key, ...settings.flatMap((setting) => ['-o', setting])];
  return { shell: { ssh: ['ssh', ...options, '-p', String(SSH_PORT)], options, host: `root@${b.end.address}` }, stop };
}
