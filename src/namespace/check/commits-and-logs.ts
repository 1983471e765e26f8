// Commits and logs: the kept commits are consecutive and chained (Level may skip a damaged record of its own log without
// a word), every log has a name of its own, and no log has seen operations that are not here.
import { packetfs } from '../../wire/generated/packetfs.js';
import { unsignedOf } from '../../wire/long.ts';
import { type Commit, decodeCommit, FIRST_COMMIT } from '../commits.ts';
import { KIND, stateKey } from '../keys.ts';
import { countOf } from '../records.ts';
import type { LogCount } from '../state.ts';
import type { CheckContext } from './context.ts';

const STATE_OPEN = 1;
/** format: a node's key, and what an epoch fits in. */
const NODE_KEY_BYTES = 32;
const EPOCH_MAX = 0xffff_ffff;

export interface CommitsSeen {
  readonly last: Commit;
  readonly kept: number;
  /** Whether the last use ended in order; a namespace in use is not clean. */
  readonly clean: boolean;
}

export async function checkCommits(context: CheckContext): Promise<CommitsSeen> {
  let last: Commit | undefined;
  let kept = 0;
  await context.each(KIND.commit, ([key, value]) => {
    const commit = decodeCommit(value);
    kept += 1;
    const problem = problemOf(commit, key.readBigUInt64BE(1), last);
    if (problem !== undefined) context.report({ code: 'commit-chain', detail: problem });
    last = commit;
  });
  const state = context.source.read(stateKey());
  return { last: last ?? FIRST_COMMIT, kept, clean: state !== undefined && state[0] !== STATE_OPEN };
}

function problemOf(commit: Commit, keyNumber: bigint, previous: Commit | undefined): string | undefined {
  if (commit.number !== keyNumber) return `commit ${commit.number} is kept as ${keyNumber}`;
  if (previous === undefined) return undefined;
  if (commit.number !== previous.number + 1n) return `commit ${commit.number} follows ${previous.number}`;
  if (Buffer.compare(commit.previousHash, previous.chainHash) === 0) return undefined;
  return `commit ${commit.number} does not continue the chain of ${previous.number}`;
}

export async function checkLogs(context: CheckContext): Promise<void> {
  const names = new Set<string>();
  const seen: { readonly log: number; readonly count: LogCount }[] = [];
  await context.each(KIND.log, ([key, value]) => {
    const number = key.readUInt16BE(1);
    const wire = packetfs.LogRecord.decode(value);
    const node = Uint8Array.from(wire.name?.node ?? []);
    const epoch = wire.name?.epoch ?? 0;
    const sequence = unsignedOf(wire.sequence);
    const inodeCounter = Number(unsignedOf(wire.inodeCounter));
    context.logs.set(number, { number, node, epoch, sequence, inodeCounter });
    const name = `${Buffer.from(node).toString('hex')}-${epoch}`;
    const bad = node.length !== NODE_KEY_BYTES || epoch < 1 || epoch > EPOCH_MAX || number === 0;
    if (bad) context.report({ code: 'log-record', detail: `log ${number} has no proper name (${name})`, key });
    if (names.has(name)) context.report({ code: 'log-record', detail: `two logs have the name ${name}`, key });
    names.add(name);
    for (const count of wire.seen.map(countOf)) seen.push({ log: number, count });
  });
  for (const { log, count } of seen) {
    if (context.isKnown(count)) continue;
    const detail = `log ${log} has seen operation ${count.sequence} of log ${count.log}, which is not here`;
    context.report({ code: 'log-behind', detail });
  }
}
