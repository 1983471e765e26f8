// One node of a test: a state directory, a mount point and the daemon between them, driven only by the commands that
// users have (dist/): `pfs` and `pfs-mount`. A node may live in a network namespace.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusResult } from '../../src/control/methods.ts';
import { PFS, PFS_MOUNT } from './built-commands.ts';
import { isMounted, unmountBelow } from './mounts.ts';
import { createNamespacePair, insideNamespace, type NamespaceEnd, type NamespacePair } from './namespaces.ts';
import { type CommandResult, ended, run, runChecked, waitFor } from './process.ts';

const PORT = 7433;
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 30_000;
const LOG_LINES_SHOWN = 40;

export interface NodeOptions {
  readonly directory: string;
  readonly namespace?: NamespaceEnd;
  readonly port?: number;
  /** `host:port` of peers to connect to. */
  readonly peers?: readonly string[];
  readonly mountOptions?: readonly string[];
}

export class TestNode {
  readonly stateDirectory: string;
  readonly mountPoint: string;
  readonly address: string;
  readonly #options: NodeOptions;
  readonly #logFile: string;
  #daemon: ChildProcess | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.stateDirectory = join(options.directory, 'state');
    this.mountPoint = join(options.directory, 'mount');
    this.#logFile = join(options.directory, 'daemon.log');
    this.address = `${options.namespace?.address ?? '127.0.0.1'}:${options.port ?? PORT}`;
    mkdirSync(this.mountPoint, { recursive: true });
  }

  /** Starts the daemon and waits until it serves; `more` are further options of pfs-mount. */
  async start(more: readonly string[] = []): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    const peers = (this.#options.peers ?? []).flatMap((peer) => ['--peer', peer]);
    const parameters = ['--state', this.stateDirectory, '--listen', this.address, ...peers];
    const mountOptions = (this.#options.mountOptions ?? []).flatMap((option) => ['-o', option]);
    const [command = '', ...rest] = this.#inside([
      process.execPath,
      PFS_MOUNT,
      this.mountPoint,
      ...parameters,
      ...mountOptions,
      ...more,
    ]);
    const daemon = spawn(command, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#daemon = daemon;
    await waitFor(
      `a mount at ${this.mountPoint}`,
      async () => {
        if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error(`the daemon ended:\n${this.log()}`);
        if (!isMounted(this.mountPoint)) return undefined;
        return (await this.pfs('status', '--json')).code === 0 ? true : undefined;
      },
      START_LIMIT_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.log()}`, { cause: error });
    });
  }

  get processId(): number {
    const id = this.#daemon?.pid;
    if (id === undefined) throw new Error('the daemon is not started');
    return id;
  }

  /** SIGTERM, and waits for the end; the daemon unmounts by itself. Throws when it does not exit 0. */
  async stop(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    this.#daemon = undefined;
    daemon.kill('SIGTERM');
    const timer = setTimeout(() => daemon.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended(daemon);
    clearTimeout(timer);
    if (daemon.exitCode !== 0) {
      throw new Error(`the daemon ended with ${daemon.exitCode ?? daemon.signalCode}:\n${this.log()}`);
    }
  }

  /** SIGKILL, as a power cut of the process; then what the kernel still shows is unmounted. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    this.#daemon = undefined;
    daemon.kill('SIGKILL');
    await ended(daemon);
    await unmountBelow(this.mountPoint);
  }

  /** Resolves when the daemon has ended by itself, with its exit code. */
  async daemonEnded(): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === undefined) throw new Error('the daemon is not started');
    this.#daemon = undefined;
    await ended(daemon);
    return daemon.exitCode;
  }

  /** Runs `pfs` on this node's state. */
  pfs(...parameters: readonly string[]): Promise<CommandResult> {
    const [command = '', ...rest] = this.#pfsCommand(parameters);
    return run(command, rest);
  }

  async pfsChecked(...parameters: readonly string[]): Promise<string> {
    const [command = '', ...rest] = this.#pfsCommand(parameters);
    return await runChecked(command, rest, { limitMs: 600_000 });
  }

  async status(): Promise<StatusResult> {
    return JSON.parse(await this.pfsChecked('status', '--json')) as StatusResult;
  }

  /** Waits until the peers have what was committed here. */
  async sync(timeoutSeconds = 120): Promise<void> {
    await this.pfsChecked('sync', '--timeout', String(timeoutSeconds));
  }

  at(...names: readonly string[]): string {
    return join(this.mountPoint, ...names);
  }

  /** The end of what the daemon printed. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8').split('\n').slice(-LOG_LINES_SHOWN).join('\n');
  }

  #pfsCommand(parameters: readonly string[]): string[] {
    return this.#inside([process.execPath, PFS, ...parameters, '--state', this.stateDirectory]);
  }

  #inside(command: readonly string[]): string[] {
    return this.#options.namespace === undefined ? [...command] : insideNamespace(this.#options.namespace, command);
  }
}

export interface Cluster {
  readonly wire: NamespacePair;
  readonly a: TestNode;
  readonly b: TestNode;
  /** Stops both daemons and removes the namespaces; the directory is the runner's to remove. */
  close(): Promise<void>;
  /** The same by force, after something went wrong. */
  abandon(): Promise<void>;
}

/** Two nodes of one volume, each in a namespace, mounted and connected; B was invited by A. */
export async function startCluster(options: { mountOptions?: readonly string[] } = {}): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'));
  const wire = await createNamespacePair();
  const shared = options.mountOptions === undefined ? {} : { mountOptions: options.mountOptions };
  const a = new TestNode({ directory: join(directory, 'a'), namespace: wire.a, ...shared });
  const b = new TestNode({
    directory: join(directory, 'b'),
    namespace: wire.b,
    peers: [`${wire.a.address}:${PORT}`],
    ...shared,
  });
  await a.pfsChecked('init');
  await invite(a, b);
  await a.start();
  await b.start();
  await waitFor('the peers to connect', async () => ((await connectedPeers(b)) > 0 ? true : undefined));
  return {
    wire,
    a,
    b,
    close: async () => {
      for (const node of [b, a]) await node.stop();
      await wire.remove();
    },
    abandon: async () => {
      for (const node of [b, a]) await node.kill();
      await wire.remove();
    },
  };
}

/** `joiner` joins the volume of `inviter` with a fresh token. */
export async function invite(inviter: TestNode, joiner: TestNode): Promise<void> {
  const invitation = await inviter.pfsChecked('invite', '--address', inviter.address);
  const token = invitation.trimEnd().split('\n').at(-1) ?? '';
  await joiner.pfsChecked('join', token);
}

/** Peers with which this node has a connection now. */
export async function connectedPeers(node: TestNode): Promise<number> {
  const status = await node.status();
  return status.peers.filter((peer) => peer.rttMs !== undefined).length;
}
