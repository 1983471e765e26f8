// Tools over plain TCP: rsync's own daemon, and tar through nc with one of the kernel's congestion controls, which has
// nothing to do but to copy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Side } from '../side.ts';
import { listens, makePlaces, serve } from './places.ts';
import type { RunningSubject, Sides, Subject } from './subject.ts';

const RSYNC_PORT = 8730;
const NC_PORT = 7000;

export const rsyncDaemon: Subject = {
  name: 'rsync -az, daemon',
  async start(sides: Sides): Promise<RunningSubject> {
    const { source, target } = makePlaces(sides);
    const { a, b } = sides;
    const configuration = join(b.directory, 'rsyncd.conf');
    // Without a chroot it changes what symbolic links point to.
    const module = ['[tree]', `path = ${target}`, 'read only = no', 'use chroot = yes', 'uid = 0', 'gid = 0'];
    writeFileSync(configuration, `${module.join('\n')}\n`);
    const daemon = ['rsync', '--daemon', '--no-detach', `--port=${RSYNC_PORT}`, `--config=${configuration}`];
    const stop = await serve(b, RSYNC_PORT, ...daemon);
    return {
      source,
      target,
      stop,
      transfer: async (group) => {
        const to = `rsync://${b.end.address}:${RSYNC_PORT}/tree/${group}/`;
        await a.run('rsync', '-az', '--delete', `${join(source, group)}/`, to);
      },
    };
  },
};

export const tarOverTcp = (control: 'cubic' | 'bbr'): Subject => ({
  name: `tar | nc, ${control}`,
  async start(sides: Sides): Promise<RunningSubject> {
    const { source, target } = makePlaces(sides);
    const { a, b } = sides;
    await useControl(a, b.end.address, control);
    return {
      source,
      target,
      stop: async () => {},
      transfer: async (group, names) => {
        const place = join(target, group);
        const receive = `mkdir -p ${place} && cd ${place} && rm -rf ${names.join(' ')} && nc -l ${NC_PORT} | tar -xf -`;
        const [program, ...parameters] = b.command('bash', '-o', 'pipefail', '-ec', receive);
        const receiver = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
        const received = once(receiver, 'close');
        await listens(b, NC_PORT);
        const send = `cd ${join(source, group)} && tar -cf - ${names.join(' ')} | nc -N ${b.end.address} ${NC_PORT}`;
        await a.run('bash', '-o', 'pipefail', '-ec', send);
        const [code] = await received;
        if (code !== 0) throw new Error(`tar | nc: the receiver ended with ${String(code)}`);
      },
    };
  },
});

/** nc cannot choose one, a route can. */
async function useControl(side: Side, to: string, control: string): Promise<void> {
  const [route = ''] = (await side.run('ip', 'route', 'show', 'to', 'match', to)).trim().split('\n');
  await side.run('ip', 'route', 'change', ...route.trim().split(/\s+/), 'congctl', control);
}
