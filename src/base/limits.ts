// Every bound of PacketFS, in one place; docs/LIMITS.md explains each (a test holds the two together).
// Constants of the formats are marked `format`; the others may change from release to release.
import { KIB, MIB } from './units.ts';

/** format: a segment of a log. */
export const SEGMENT_BYTES_MAX = 256 * MIB;
/** format: records of one chunk table (64 bytes each, so a table is at most 64 MiB). */
export const SEGMENT_RECORDS_MAX = 1024 * KIB;
/** format: longest name, in bytes (NAME_MAX). */
export const NAME_BYTES_MAX = 255;
/** Longest symbolic link target, in bytes (PATH_MAX - 1). */
export const LINK_TARGET_BYTES_MAX = 4095;
/** Longest extended attribute value (XATTR_SIZE_MAX) and list (XATTR_LIST_MAX). */
export const XATTR_VALUE_BYTES_MAX = 64 * KIB;
/** Longest extended attribute name (XATTR_NAME_MAX). */
export const XATTR_NAME_BYTES_MAX = 255;
/** Links to one inode. */
export const LINKS_MAX = 65000;
/** Operations in one batch, the unit that applies atomically at a peer. */
export const BATCH_OPERATIONS_MAX = 4096;
/** Encoded bytes of one batch, a soft bound: one operation may exceed it. */
export const BATCH_BYTES_MAX = 1 * MIB;
/** Encoded bytes of one batch, the hard bound: decoded, it takes about a hundred times as much memory at worst. */
export const BATCH_ENCODED_BYTES_MAX = 8 * MIB;
/** Raw bytes packed into one literal frame. */
export const LITERAL_RAW_BYTES_MAX = 4 * MIB;
/** Ranges that a delta may refer to (native/core/blob/literal_base.h). */
export const BASE_RANGES_MAX = 1024;
/** Raw bytes of a literal that is a delta (native/core/blob/blob_core.h). */
export const DELTA_RAW_BYTES_MAX = 256 * KIB;
/** Raw bytes of a literal that an idle link waits for. */
export const LITERAL_FIRST_RAW_BYTES_MAX = MIB;
/** Bytes of one transport message (control or offset stream), after which the peer is cut off. */
export const MESSAGE_BYTES_MAX = 16 * MIB;
/** One control message: positions of every log, with POSITION_RANGES_MAX ranges, fit. */
export const CONTROL_MESSAGE_BYTES_MAX = 4 * MIB;
/** Literal frames under way to one peer, in compressed bytes; where its window for blocks has grown, as much as that. */
export const LITERALS_IN_FLIGHT_BYTES_MAX = 32 * MIB;
/** And then no more than this. */
export const LITERALS_IN_FLIGHT_GROWN_BYTES_MAX = 128 * MIB;
/** A connection's window for received blocks begins with 32 MiB and grows to this, where half of it lasts no round trip. */
export const BLOCK_WINDOW_BYTES_MAX = 128 * MIB;
/** What the windows of all connections together may have grown by. */
export const BLOCK_WINDOWS_GROWTH_BYTES_MAX = 256 * MIB;
/** A commit starts this long after the one before, unless a burst of changes goes on. */
export const COMMIT_DELAY_MAX_MS = 1000;
/** A burst puts a commit off no longer than this after the one before: the interval of ext4's own commits. */
export const COMMIT_BURST_MAX_MS = 5000;
/** Nor beyond so many changed inodes, whose records are made while requests wait: some 10 microseconds each. */
export const COMMIT_BURST_INODES_MAX = 16_384;
/** After an idle second, the first change is committed after this long. */
export const COMMIT_DELAY_MIN_MS = 10;
/** A commit starts when this much is dirty. */
export const COMMIT_DIRTY_BYTES_MAX = 64 * MIB;
/** Of written bytes, and of what the blob has not synced, an fsync puts so much into the journal; with more it commits. */
export const JOURNALED_BYTES_MAX = 512 * KIB;
/**
 * What was closed and is in the journal alone is stored after so long, unless it is removed before, as a database's
 * journal is.
 */
export const RELEASED_SAVE_MS = 5;
/** A content version of a file that stays open is made this often. */
export const OPEN_FILE_VERSION_INTERVAL_MS = 5000;
/** Free space of the disk that data leaves to the namespace: names go on, and what was accepted can be committed. */
export const DISK_RESERVE_BYTES = 32 * MIB;
/** A commit begins only with this much free: Level must not meet a full disk in the middle of a write. */
export const COMMIT_FREE_BYTES_MIN = 8 * MIB;
/** Memory for written bytes that are not yet in the blob. */
export const DIRTY_MEMORY_BYTES_MAX = 256 * MIB;
/** Memory for decoded inodes and the names of directories that are clean, as estimated; others are read again. */
export const CACHED_NAMESPACE_BYTES_MAX = 32 * MIB;
/** Memory for uncompressed blocks of the namespace's Level tables. */
export const LEVEL_BLOCK_CACHE_BYTES = 4 * MIB;
/** Level tables open (and mapped) at a time, of 2 MiB each. */
export const LEVEL_OPEN_FILES_MAX = 500;
/** Invalidations that wait for the kernel; a peer's changes are applied no further until it has taken some. */
export const INVALIDATIONS_QUEUED_MAX = 65536;
/** Clocks further ahead than this are refused. */
export const CLOCK_AHEAD_MAX_MS = 5 * 60 * 1000;
/** An invitation is good for this long. */
export const INVITATION_MAX_MS = 24 * 60 * 60 * 1000;
/** Peers of one volume. */
export const PEERS_MAX = 256;
/** For so long nothing waits for a seed's disk that does not answer. */
export const SEED_STUCK_MS = 15_000;
/** Names that were removed, of which it is remembered what they had. */
export const FORMER_NAMES_MAX = 16_384;
/** Extents of the files that had these names, in all; 24 bytes each. */
export const FORMER_EXTENTS_MAX = 262_144;
/** In directories with more names no other release is looked for beside a new directory. */
export const RELEASES_BESIDE_MAX = 256;
/** Of files up to this size it is noted which file they take the place of. */
export const REPLACED_FILE_BYTES_MAX = 16 * MIB;
/** Files of a seed that could not be read which it lists; it counts all. */
export const SEED_PROBLEMS_MAX = 100;
/** Findings that one check lists; it counts all. */
export const CHECK_FINDINGS_MAX = 10_000;

// ---- replication -----------------------------------------------------------------------------------------------------
/** Logs of one volume: local log numbers have 16 bits, 0 is reserved. */
export const LOGS_MAX = 65535;
/** One entry of the member list, opaque to replication. */
export const MEMBER_ENTRY_BYTES_MAX = 4 * KIB;
/** Ranges of one log's have-set in one message; a longer have-set takes several. */
export const POSITION_RANGES_MAX = 65536;
/** Ranges of all have-sets of one peer; one that announces more is cut off. */
export const PEER_RANGES_MAX = 1024 * KIB;
/** Ranges of one Ask or Unavailable. */
export const ASK_RANGES_MAX = 1024;
/** Asks that wait for an answer, of one peer; and answers that wait to be sent, to one peer. */
export const ASKS_OUTSTANDING_MAX = 64;
/** An operations message, unpacked; what it packs to is bounded by MESSAGE_BYTES_MAX. */
export const OPERATIONS_MESSAGE_BYTES_MAX = 64 * MIB;
/** Batches of a backlog are packed together up to this size. */
export const OPERATIONS_GROUP_BYTES_MAX = 1 * MIB;
/** Batches sent to one peer and not yet applied there. */
export const OPERATIONS_IN_FLIGHT_BYTES_MAX = 8 * MIB;
/** Batches received and not yet applied, of all logs; what comes beyond is dropped and asked for later. */
export const OPERATIONS_QUEUE_BYTES_MAX = 64 * MIB;
/** Batches applied as one durable commit. */
export const APPLY_BATCHES_MAX = 256;
export const APPLY_BYTES_MAX = 8 * MIB;
/** Chunks of one recipe or literal frame. */
export const RECIPE_CHUNKS_MAX = 65536;
/** What a peer lacks is sent as literals at once when it is less than this, without asking by a recipe first. */
export const RECIPE_RAW_BYTES_MIN = 64 * KIB;
/** A recipe that fills nothing lets so many bytes go as literals before the next try. */
export const RECIPE_PAUSE_BYTES_MIN = 256 * KIB;
/** After each further one that fills nothing twice as many, up to so many. */
export const RECIPE_PAUSE_BYTES_MAX = 64 * MIB;
/** Bytes that a peer has and this node has not, from where on both are taken to have gone their own ways. */
export const DIVERGED_BYTES_MIN = 1 * MIB;
/** Recipes sent to one peer that it has not answered. */
export const RECIPES_IN_FLIGHT_MAX = 64;
/** Chunks in all of these, beyond which no other is sent. */
export const RECIPE_CHUNKS_IN_FLIGHT_MAX = 16_384;
/** Recipes filled at the same time: each may wait for a seed's disk, on one of the four threads that commits need, too. */
export const RECIPE_FILLS_MAX = 1;
/** Literal frames under way to one peer. */
export const LITERALS_IN_FLIGHT_MAX = 4096;
/** A literal frame on the wire: incompressible bytes, the table of chunks and the header. */
export const LITERAL_FRAME_BYTES_MAX = 5 * MIB;
/** Literal frames received and not yet stored, of one peer; one that sends more ignores the window and is cut off. */
export const LITERAL_INTAKE_BYTES_MAX = 160 * MIB;
/** Literals stored at the same time. */
export const LITERAL_STORES_MAX = 4;
/** Literals that could not be stored and are to be asked for again; beyond, the oldest are left to be found missing. */
export const LITERAL_REJECTIONS_MAX = 4096;
/** Positions go to peers at the latest this long after literals were stored. */
export const POSITIONS_DELAY_MAX_MS = 100;
/** Missing bytes are asked for after this long (or 4 round trips) without progress. */
export const ASK_PATIENCE_MIN_MS = 500;
/** An ask that brought nothing for this long (or 8 round trips) goes to another peer. */
export const ANSWER_PATIENCE_MIN_MS = 5000;
/** Operations are asked of another peer when their origin has brought none for this long. */
export const LOG_LAG_MAX_MS = 2000;
/** Pauses between attempts at what failed: a literal that could not be stored, a batch that could not be applied. */
export const RETRY_DELAY_MIN_MS = 1000;
export const RETRY_DELAY_MAX_MS = 30_000;
