// The namespace's part of `pfs check`, phase by phase, over one snapshot of Level; and paths of what was found.
import { KIND, numberKey } from '../keys.ts';
import { decodeInode } from '../records.ts';
import { nameKey } from '../state.ts';
import { type CommitsSeen, checkCommits, checkLogs } from './commits-and-logs.ts';
import { CheckContext, type CheckContextOptions, type CheckedLog } from './context.ts';
import { InodeTable } from './inode-table.ts';
import { checkInodes, type InodesSeen } from './inodes.ts';
import { checkNames, checkOrphans } from './names.ts';
import { checkOperations, type OperationsSeen } from './operations.ts';
import type { RecordSource } from './source.ts';
import { checkTree } from './tree.ts';

/** The phases are called in the order in which they stand here. */
export class NamespaceCheck {
  readonly #context: CheckContext;
  readonly #table = new InodeTable();
  #commits: CommitsSeen | undefined;
  /** By how much the count of inodes is too low. */
  uncounted = 0n;

  constructor(options: CheckContextOptions) {
    this.#context = new CheckContext(options);
  }

  get logs(): readonly CheckedLog[] {
    return [...this.#context.logs.values()];
  }

  async commits(): Promise<CommitsSeen> {
    await checkLogs(this.#context);
    this.#commits = await checkCommits(this.#context);
    return this.#commits;
  }

  async inodes(): Promise<InodesSeen> {
    const seen = await checkInodes(this.#context, this.#table);
    const expected = this.#commits?.last.inodes;
    if (expected !== undefined && expected !== seen.live) {
      this.uncounted = seen.live - expected;
      const detail = `the last commit counts ${expected} inodes, there are ${seen.live}`;
      this.#context.report({ code: 'inode-count', detail });
    }
    return seen;
  }

  async tree(): Promise<{ readonly names: number; readonly directories: number; readonly orphans: number }> {
    const { names } = await checkNames(this.#context, this.#table);
    const orphans = await checkOrphans(this.#context, this.#table);
    await checkTree(this.#context, this.#table);
    return { names, directories: this.#table.directories.size, orphans };
  }

  operations(): Promise<OperationsSeen> {
    return checkOperations(this.#context, this.#table);
  }
}

const DEPTH_MAX = 4096;

/** One path of an inode, as far as it leads: `<inode N>/…` where it does not reach the root; undefined without a name. */
export function pathOfInode(source: RecordSource, inode: bigint): string | undefined {
  const parts: string[] = [];
  let at = inode;
  for (let depth = 0; depth < DEPTH_MAX && at !== 1n; depth++) {
    const link = firstLink(source, at);
    if (link === undefined) return parts.length === 0 ? undefined : [`<inode ${at}>`, ...parts].join('/');
    parts.unshift(Buffer.from(link.name, 'latin1').toString('utf8'));
    at = link.parent;
  }
  return at === 1n ? `/${parts.join('/')}` : `<inode ${at}>/${parts.slice(-1).join('/')}`;
}

function firstLink(
  source: RecordSource,
  inode: bigint,
): { readonly parent: bigint; readonly name: string } | undefined {
  try {
    const bytes = source.read(numberKey(KIND.inode, inode));
    const link = bytes === undefined ? undefined : decodeInode(inode, bytes).links[0];
    return link === undefined ? undefined : { parent: link.parent, name: nameKey(link.name) };
  } catch {
    return undefined; // damaged: reported by itself
  }
}
