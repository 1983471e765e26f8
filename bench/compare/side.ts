// One of the two machines of a comparison: a namespace for its network, a control group for its processor time, and a
// directory for its bytes.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { insideNamespace, type NamespaceEnd } from '../../test/support/namespaces.ts';
import { runChecked, waitFor } from '../../test/support/process.ts';

const GROUPS = '/sys/fs/cgroup';
const NANOSECONDS_PER_SECOND = 1e9;
const MICROSECONDS_PER_SECOND = 1e6;
const COMMAND_LIMIT_MS = 1_200_000;
const MEMORY_PERIOD_MS = 50;
const PAGE_BYTES = 4096;

export interface MemoryWatch {
  readonly mostBytes: number;
  readonly stop: () => void;
}

export class Side {
  readonly end: NamespaceEnd;
  readonly directory: string;
  readonly #group: string;

  /** `name` is the group's. Makes the group and the directory. */
  constructor(name: string, end: NamespaceEnd, directory: string) {
    this.end = end;
    this.directory = directory;
    this.#group = join(GROUPS, isUnified() ? '' : 'cpuacct', name);
    mkdirSync(this.#group, { recursive: true });
    mkdirSync(directory, { recursive: true });
  }

  /** What runs a command here, with all that it starts. */
  command(...command: readonly string[]): [string, ...string[]] {
    const enter = 'echo $$ >"$0" && exec "$@"';
    return ['sh', '-ec', enter, join(this.#group, 'cgroup.procs'), ...insideNamespace(this.end, command)];
  }

  async run(...command: readonly string[]): Promise<string> {
    const [program, ...parameters] = this.command(...command);
    return await runChecked(program, parameters, { limitMs: COMMAND_LIMIT_MS });
  }

  /** Counts a process that runs already. */
  adopt(processId: number): void {
    writeFileSync(join(this.#group, 'cgroup.procs'), String(processId));
  }

  /** Used by all that ran here, in user and kernel mode. */
  get cpuSeconds(): number {
    if (!isUnified()) {
      return Number(readFileSync(join(this.#group, 'cpuacct.usage'), 'utf8')) / NANOSECONDS_PER_SECOND;
    }
    const [, microseconds = ''] = /^usage_usec (\d+)$/m.exec(readFileSync(join(this.#group, 'cpu.stat'), 'utf8')) ?? [];
    return Number(microseconds) / MICROSECONDS_PER_SECOND;
  }

  /** Looks now and then, until stopped, at the resident memory of all that runs here. */
  watchMemory(): MemoryWatch {
    const look = (): void => {
      watch.mostBytes = Math.max(watch.mostBytes, this.#residentBytes());
    };
    const timer = setInterval(look, MEMORY_PERIOD_MS);
    const watch = { mostBytes: this.#residentBytes(), stop: () => clearInterval(timer) };
    return watch;
  }

  /** Pages that processes share count for each of them. */
  #residentBytes(): number {
    const pages = this.#processes().map((processId) => {
      try {
        return Number(readFileSync(`/proc/${processId}/statm`, 'utf8').split(' ')[1]);
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return 0; // it has ended
        throw error;
      }
    });
    return pages.reduce((sum, count) => sum + count, 0) * PAGE_BYTES;
  }

  #processes(): string[] {
    const list = readFileSync(join(this.#group, 'cgroup.procs'), 'utf8');
    return list.split('\n').filter((line) => line !== '');
  }

  /** All that runs here now: whoever waits for one of them sees it fail. */
  kill(): void {
    for (const processId of this.#processes()) {
      try {
        process.kill(Number(processId), 'SIGKILL');
      } catch (error) {
        if (!hasCode(error, 'ESRCH')) throw error;
      }
    }
  }

  /** Ends what still runs here: a server's child, for instance. */
  async remove(): Promise<void> {
    await waitFor(`everything in ${this.#group} to end`, () => {
      const left = this.#processes();
      this.kill();
      return left.length === 0 || undefined;
    });
    rmdirSync(this.#group);
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Version 2 of control groups. */
const isUnified = (): boolean => existsSync(join(GROUPS, 'cgroup.controllers'));
