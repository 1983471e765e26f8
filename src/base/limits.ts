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
/** Raw bytes packed into one literal frame. */
export const LITERAL_RAW_BYTES_MAX = 4 * MIB;
/** Bytes of one transport message (control or offset stream), after which the peer is cut off. */
export const MESSAGE_BYTES_MAX = 16 * MIB;
/** Literal frames under way to one peer, in compressed bytes. */
export const LITERALS_IN_FLIGHT_BYTES_MAX = 32 * MIB;
/** A commit starts at the latest this long after the first change it holds. */
export const COMMIT_DELAY_MAX_MS = 1000;
/** After an idle second, the first change is committed after this long. */
export const COMMIT_DELAY_MIN_MS = 10;
/** A commit starts when this much is dirty. */
export const COMMIT_DIRTY_BYTES_MAX = 64 * MIB;
/** A content version of a file that stays open is made this often. */
export const OPEN_FILE_VERSION_INTERVAL_MS = 5000;
/** Memory for written bytes that are not yet in the blob. */
export const DIRTY_MEMORY_BYTES_MAX = 256 * MIB;
/** Clocks further ahead than this are refused. */
export const CLOCK_AHEAD_MAX_MS = 5 * 60 * 1000;
/** An invitation is good for this long. */
export const INVITATION_MAX_MS = 24 * 60 * 60 * 1000;
/** Peers of one volume. */
export const PEERS_MAX = 256;
