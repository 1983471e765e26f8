// Whether what a crash left is allowed: the state after some operation of the script, no earlier than what was promised
// to survive and no later than the operation under way.
import type { FileNode, Model, Node } from './model.ts';
import type { Operation } from './operations.ts';
import type { Actual, Snapshot } from './snapshot.ts';

const DIFFERENCES_SHOWN = 12;

export interface Claim {
  /** The state before the script. */
  readonly before: Model;
  readonly operations: readonly Operation[];
  /** Operations that surely survive. */
  readonly atLeast: number;
  /** Operations that may. */
  readonly atMost: number;
  readonly directory: string;
}

export interface Verdict {
  /** Operations that survived; undefined: no state fits. */
  readonly survived: number | undefined;
  /** The model of what is there, to go on from. */
  readonly model: Model;
  /** What differs from the least that was promised. */
  readonly differences: string;
}

export function judge(claim: Claim, actual: Snapshot): Verdict {
  const model = claim.before.clone();
  const wrong = new Map<string, string>();
  const compare = (path: string): void => {
    const difference = differenceAt({ path, model, actual });
    if (difference === undefined) wrong.delete(path);
    else wrong.set(path, difference);
  };
  for (const path of new Set([...model.paths, ...actual.keys()])) compare(path);
  let differences = '';
  for (let count = 0; count <= claim.atMost; count++) {
    if (count === claim.atLeast) differences = describe(wrong);
    if (count >= claim.atLeast && wrong.size === 0) {
      return { survived: count, model: modelOf(model, actual), differences: '' };
    }
    const operation = claim.operations[count];
    if (operation === undefined) break;
    for (const path of model.apply(operation)) compare(path);
  }
  return { survived: undefined, model, differences };
}

function differenceAt(given: {
  readonly path: string;
  readonly model: Model;
  readonly actual: Snapshot;
}): string | undefined {
  const { path, model, actual } = given;
  const expected = model.at(path);
  const found = actual.get(path);
  if (expected === undefined) return found === undefined ? undefined : `is there (${found.kind})`;
  if (found === undefined) return `is missing (${expected.kind})`;
  if (found.kind === 'unreadable') return found.reason;
  if (found.kind !== expected.kind) return `is a ${found.kind}, not a ${expected.kind}`;
  if (expected.kind === 'symlink') return sameTarget(found, expected);
  if (expected.kind === 'directory') return sameLinks(found, 2 + model.subdirectories(path));
  return differenceOfFile({ file: expected, found, actual });
}

const sameTarget = (found: Actual, expected: Node): string | undefined =>
  found.kind === 'symlink' && expected.kind === 'symlink' && found.target !== expected.target
    ? `points to ${found.target}, not ${expected.target}`
    : undefined;

const sameLinks = (found: Actual, links: number): string | undefined =>
  'links' in found && found.links !== links ? `has ${found.links} links, not ${links}` : undefined;

function differenceOfFile(given: {
  readonly file: FileNode;
  readonly found: Actual;
  readonly actual: Snapshot;
}): string | undefined {
  const { file, found, actual } = given;
  if (found.kind !== 'file') return undefined;
  if (found.mode !== file.mode) return `has mode ${found.mode.toString(8)}, not ${file.mode.toString(8)}`;
  if (found.attribute !== file.attribute) return `has the attribute ${found.attribute}, not ${file.attribute}`;
  for (const name of file.names) {
    const other = actual.get(name);
    if (other?.kind === 'file' && other.inode !== found.inode) return `is not the inode of ${name}`;
  }
  return sameLinks(found, file.names.size) ?? differenceOfContent(file, found.content);
}

/** The published content, any draft, or part of an append that was under way. */
function differenceOfContent(file: FileNode, content: Buffer): string | undefined {
  if (content.equals(file.published)) return undefined;
  let before = file.published;
  for (const draft of file.drafts) {
    if (content.equals(draft)) return undefined;
    const isPart = content.length > before.length && content.equals(draft.subarray(0, content.length));
    if (isPart) return undefined;
    before = draft;
  }
  let same = 0;
  while (same < content.length && content[same] === file.published[same]) same++;
  return (
    `has ${content.length} bytes, the same as the ${file.published.length} published ones up to ${same} ` +
    `(${file.drafts.length} drafts)`
  );
}

/** What is there is what the next script begins with. */
function modelOf(model: Model, actual: Snapshot): Model {
  const next = model.clone();
  next.closeAll();
  for (const path of next.paths) {
    const node = next.at(path);
    const found = actual.get(path);
    if (node?.kind !== 'file' || found?.kind !== 'file') continue;
    node.published = found.content;
    node.drafts = [];
  }
  return next;
}

const describe = (wrong: ReadonlyMap<string, string>): string =>
  [...wrong]
    .slice(0, DIFFERENCES_SHOWN)
    .map(([path, difference]) => `${path} ${difference}`)
    .join('\n');
