// Tools that keep two trees equal in both directions: unison over ssh, and syncthing as two daemons.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ended, waitFor } from '../../../test/support/process.ts';
import type { Side } from '../side.ts';
import { listens, makePlaces } from './places.ts';
import { overSsh } from './ssh-tool.ts';
import type { RunningSubject, Sides, Subject } from './subject.ts';

export const unison = overSsh({
  name: 'unison',
  transfer: ({ sides, shell, source, target, group }) => {
    const server = `env UNISON=${join(sides.b.directory, 'unison')} unison`;
    const options = ['-batch', '-silent', '-times', '-confirmbigdel=false', '-path', group];
    const ssh = ['-sshargs', shell.ssh.slice(1).join(' '), '-servercmd', server];
    return sides.a.run(
      ...['env', `UNISON=${join(sides.a.directory, 'unison')}`, 'unison', '-ui', 'text', ...options, ...ssh],
      ...[source, `ssh://${shell.host}/${target}`],
    );
  },
});

const SYNC_PORT = 22_000;
const FOLDER = 'tree';
/** Without it syncthing takes a folder for one whose disk is not there. */
const FOLDER_MARKER = '.stfolder';
const API_KEY = 'compare';
const PAUSE_MS = 10;

interface Daemon {
  readonly device: string;
  readonly socket: string;
  readonly stop: () => Promise<void>;
}

export const syncthing: Subject = {
  name: 'syncthing',
  async start({ a, b }: Sides): Promise<RunningSubject> {
    const { source, target } = makePlaces({ a, b });
    const devices = [await makeIdentity(a), await makeIdentity(b)] as const;
    configure(a, source, { own: devices[0], other: devices[1], otherSide: b });
    configure(b, target, { own: devices[1], other: devices[0], otherSide: a });
    const daemons = [await startDaemon(a, devices[0]), await startDaemon(b, devices[1])] as const;
    const [here, there] = daemons;
    await waitFor('the two syncthing to connect', async () => {
      const { connections } = (await ask(here, 'GET', 'system/connections')) as {
        readonly connections: Readonly<Record<string, { readonly connected: boolean }>>;
      };
      return connections[there.device]?.connected === true || undefined;
    });
    return {
      source,
      target,
      stop: async () => {
        for (const daemon of daemons) await daemon.stop();
      },
      transfer: async (group) => {
        await ask(here, 'POST', `db/scan?folder=${FOLDER}&sub=${group}`);
        const { sequence } = (await ask(here, 'GET', `db/status?folder=${FOLDER}`)) as FolderStatus;
        const isDone = async (): Promise<true | undefined> => {
          const known = (await ask(there, 'GET', `db/completion?folder=${FOLDER}&device=${here.device}`)) as Completion;
          const status = (await ask(there, 'GET', `db/status?folder=${FOLDER}`)) as FolderStatus;
          return (known.sequence >= sequence && status.needTotalItems === 0 && status.state === 'idle') || undefined;
        };
        await waitFor('the other syncthing to have all', isDone, TRANSFER_LIMIT_MS, PAUSE_MS);
      },
    };
  },
};

const TRANSFER_LIMIT_MS = 600_000;

/** Of the folder at one daemon. */
interface FolderStatus {
  /** Of its last change. */
  readonly sequence: number;
  readonly needTotalItems: number;
  readonly state: string;
}

/** What a daemon knows of another. */
interface Completion {
  readonly sequence: number;
}

const homeOf = (side: Side): string => join(side.directory, 'syncthing');
const socketOf = (side: Side): string => join(side.directory, 'syncthing.sock');

/** A device's keys; returns its name. */
async function makeIdentity(side: Side): Promise<string> {
  await side.run('syncthing', 'generate', `--home=${homeOf(side)}`, '--no-default-folder', '--skip-port-probing');
  return (await side.run('syncthing', `--home=${homeOf(side)}`, '--device-id')).trim();
}

/** Nothing but the other device: no discovery, no relays, no questions to the project's servers. */
function configure(
  side: Side,
  folder: string,
  { own, other, otherSide }: { readonly own: string; readonly other: string; readonly otherSide: Side },
): void {
  const device = (id: string, address: string): string =>
    `<device id="${id}" name="${id.slice(0, 7)}" compression="always"><address>${address}</address></device>`;
  const off = ['globalAnnounceEnabled', 'localAnnounceEnabled', 'relaysEnabled', 'natEnabled', 'crashReportingEnabled'];
  const options = [
    `<listenAddress>tcp://${side.end.address}:${SYNC_PORT}</listenAddress>`,
    ...off.map((name) => `<${name}>false</${name}>`),
    '<urAccepted>-1</urAccepted>',
    '<autoUpgradeIntervalH>0</autoUpgradeIntervalH>',
    '<startBrowser>false</startBrowser>',
  ];
  const configuration = `<configuration version="36">
  <folder id="${FOLDER}" path="${folder}" type="sendreceive" fsWatcherEnabled="false" rescanIntervalS="0">
    <device id="${own}"></device><device id="${other}"></device>
  </folder>
  ${device(own, 'dynamic')}
  ${device(other, `tcp://${otherSide.end.address}:${SYNC_PORT}`)}
  <gui enabled="true"><address>${socketOf(side)}</address><apikey>${API_KEY}</apikey></gui>
  <options>${options.join('')}</options>
</configuration>
`;
  writeFileSync(join(homeOf(side), 'config.xml'), configuration);
  mkdirSync(join(folder, FOLDER_MARKER));
}

async function startDaemon(side: Side, device: string): Promise<Daemon> {
  const serve = ['syncthing', 'serve', `--home=${homeOf(side)}`, '--no-browser', '--no-restart', '--no-upgrade'];
  const log = `--logfile=${join(side.directory, 'syncthing.log')}`;
  const [program, ...parameters] = side.command(...serve, log);
  const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  await listens(side, SYNC_PORT);
  return {
    device,
    socket: socketOf(side),
    stop: async () => {
      child.kill('SIGTERM');
      await ended(child);
    },
  };
}

/** The daemon's REST interface; an object, or undefined where it says nothing. */
function ask({ socket }: Daemon, method: 'GET' | 'POST', path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: socket, method, path: `/rest/${path}`, headers: { 'X-API-Key': API_KEY } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode !== 200) reject(new Error(`syncthing: ${path}: ${response.statusCode} ${text}`));
          else resolve(text.trim() === '' ? undefined : JSON.parse(text));
        });
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
