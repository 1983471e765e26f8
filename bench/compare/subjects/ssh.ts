// Copying over ssh: rsync, scp, and tar through zstd.
import { join } from 'node:path';
import { overSsh, SSH_PORT } from './ssh-tool.ts';

export const rsyncOverSsh = overSsh({
  name: 'rsync -az, ssh',
  transfer: ({ sides, shell, source, target, group }) =>
    sides.a.run(
      ...['rsync', '-az', '--delete', '-e', shell.ssh.join(' ')],
      ...[`${join(source, group)}/`, `${shell.host}:${join(target, group)}/`],
    ),
});

export const scp = overSsh({
  name: 'scp',
  leavesOut: ['many-files', 'ten-releases'], // round trips for each file
  transfer: async ({ sides, shell, source, target, group, names }) => {
    const place = join(target, group);
    const make = `mkdir -p ${place} && cd ${place} && rm -rf ${names.join(' ')}`;
    await sides.a.run(...shell.ssh, shell.host, make);
    const from = names.map((name) => join(source, group, name));
    const to = `${shell.host}:${place}/`;
    await sides.a.run('scp', '-q', '-r', ...shell.options, '-P', String(SSH_PORT), ...from, to);
  },
});

export const tarZstdOverSsh = overSsh({
  name: 'tar | zstd | ssh',
  transfer: ({ sides, shell, source, target, group, names }) => {
    const place = join(target, group);
    const receive = `mkdir -p ${place} && cd ${place} && rm -rf ${names.join(' ')} && zstd -dc | tar -xf -`;
    const send = `cd ${join(source, group)} && tar -cf - ${names.join(' ')} | zstd -3 -T0 | ${shell.ssh.join(' ')} ${shell.host} '${receive}'`;
    return sides.a.run('bash', '-o', 'pipefail', '-ec', send);
  },
});
