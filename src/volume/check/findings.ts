// What a check can find: a stable code for each kind, and what a repair does about it. docs/ERRORS.md lists the same
// codes (a test holds the two together); docs/design/0044 says why each repair is local or replicated.
import type { SegmentFindingCode } from '../../blob/inspect-segments.ts';
import type { NamespaceFindingCode } from '../../namespace/check/context.ts';

export type FindingCode =
  | NamespaceFindingCode
  | SegmentFindingCode
  | 'index-missing'
  | 'index-contradicted'
  | 'journal-record'
  | 'journal-left'
  | 'member-record';

const FROM_PEER = 'fetch the bytes from a peer: `pfs scrub start -w --repair` while one is connected';
const RESTORE = 'restore the record from the operations that made it';
const CONTENT = 'restore the content from the operation that wrote it';
const REJOIN = 'nothing here can restore it: with a peer that has all, join again in a new state directory';

/** What `--repair` does about each, or what else to do. */
export const REMEDIES: Readonly<Record<FindingCode, string>> = {
  'level-unreadable': REJOIN,
  'record-undecodable': RESTORE,
  'commit-chain': REJOIN,
  'log-record': REJOIN,
  'log-behind': REJOIN,
  'operation-gap': REJOIN,
  'operation-batch': REJOIN,
  'operation-inode': RESTORE,
  'inode-number': REJOIN,
  'inode-fields': REJOIN,
  'inode-count': 'count again',
  'name-missing': 'put the name into its directory',
  'name-stray': 'take the name from the directory',
  'name-inode': `${RESTORE}; where none did, take the name away`,
  'name-type': "keep the inode's own type beside the name",
  'name-page': 'write the names of the directory anew',
  'link-parent': `${RESTORE} (the directory); else take the name away, and without another put the inode into /.pfs-lost`,
  'link-count': 'count the subdirectories again',
  'directory-position': 'put the directory into /.pfs-lost',
  'directory-loop': 'put the directory into /.pfs-lost',
  'directory-unreachable': `${RESTORE} (the one above); else put the directory into /.pfs-lost`,
  'orphan-lost': 'put the inode into /.pfs-lost',
  'orphan-stray': 'remove the note',
  'extent-order': CONTENT,
  'extent-bounds': CONTENT,
  'extent-unresolved': FROM_PEER,
  'extent-page': CONTENT,
  'allocated-bytes': 'count again',
  'extended-attributes': 'write what is there and what operations say anew',
  'conflict-version': REJOIN,
  'move-record': REJOIN,
  'segment-missing': FROM_PEER,
  'segment-short': FROM_PEER,
  'table-header': 'mounting writes the header anew; then `pfs scrub start -w --repair`',
  'table-record': FROM_PEER,
  'table-torn': 'mounting cuts it off',
  'table-footer': FROM_PEER,
  'chunk-data': FROM_PEER,
  'index-missing': 'mounting again builds the index anew; nothing is lost',
  'index-contradicted': 'mounting again builds the index anew; nothing is lost',
  'journal-record': 'mounting replays what comes before it and keeps the file as `.refused`',
  'journal-left': 'mounting replays it',
  'member-record': 'remove the file and join the peer again',
};

export interface CheckFinding {
  readonly code: FindingCode;
  /** Path below the root of the volume, a file of the state directory, or empty. */
  readonly path: string;
  /** Local number; undefined where it is not about one inode. */
  readonly inode: bigint | undefined;
  readonly detail: string;
  /** A repair was made, and a second look does not find it any more. */
  readonly repaired: boolean;
}
