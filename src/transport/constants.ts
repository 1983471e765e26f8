// Constants of PFT/1. The first part is the specification (docs/format/transport.md): changing one breaks peers. The
// second part is this implementation's choice and may differ from peer to peer.
import { MESSAGE_BYTES_MAX } from '../base/limits.ts';
import { KIB, MIB } from '../base/units.ts';

// ---- specification -----------------------------------------------------------------------------------------------

export const PROTOCOL_NAME = 'PFT/1';

export const PACKET_INITIATION = 1;
export const PACKET_RESPONSE = 2;
export const PACKET_COOKIE = 3;
export const PACKET_DATA = 4;
export const PACKET_RESET = 5;

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
export const MAC_BYTES = 16;
export const HEADER_BYTES = 16;
export const VOLUME_ID_BYTES = 16;
export const CONNECTION_ID_BYTES = 8;
/** Paths of a connection: those that its initiator makes have even ids, the others odd ones. */
export const PATHS_MAX = 8;
export const PROOF_BYTES = 32;
export const RESET_TOKEN_BYTES = 16;
export const COOKIE_BYTES = 16;
export const COOKIE_NONCE_BYTES = 24;

/** Every path carries datagrams of this size; initiations are padded to it. */
export const DATAGRAM_BYTES_MIN = 1200;
/** No datagram is larger: what fits a jumbo frame of 9000 bytes under IPv6. */
export const DATAGRAM_BYTES_MAX = 8952;
/** What most paths take: the UDP payload of an Ethernet frame under IPv6. */
export const ETHERNET_DATAGRAM_BYTES = 1452;
export const COOKIE_PACKET_BYTES = 8 + COOKIE_NONCE_BYTES + COOKIE_BYTES + TAG_BYTES;
export const RESET_PACKET_BYTES = 8 + RESET_TOKEN_BYTES;
/** Application bytes in each handshake message. */
export const HANDSHAKE_PAYLOAD_BYTES_MAX = 512;

/** Packets sealed with one key; the next key is derived from it. */
export const RATCHET_PACKETS = 2 ** 22;
/** Header flag: acknowledge this packet at once. */
export const FLAG_ACKNOWLEDGE_NOW = 1;

/** A block: two bytes of header length, the header, the body. Lengths on the wire have 24 bits. */
export const BLOCK_BYTES_MAX = 8 * MIB;
export const BLOCK_HEADER_BYTES_MAX = 256;
export const CLOSE_REASON_BYTES_MAX = 128;
/** A receiver accepts at least this many bytes of blocks beyond what it has delivered. */
export const BLOCK_WINDOW_BYTES = 32 * MIB;
/** And no block so far beyond the first that is not whole: what each costs beside its bytes is bounded too. */
export const BLOCKS_AHEAD_MAX = 32_768;
/** And this many bytes of a channel beyond the end of the last message delivered. */
export const STREAM_WINDOW_BYTES = MESSAGE_BYTES_MAX + 4;
export const ACKNOWLEDGE_DELAY_MAX_MS = 20;

// ---- implementation ----------------------------------------------------------------------------------------------

/** Replay window in packets (RFC 6479). */
export const REPLAY_WINDOW_PACKETS = 8192;
/** Ranges of received packets remembered, and sent in one ACK. */
export const RECEIVED_RANGES_MAX = 256;
export const ACKNOWLEDGED_RANGES_MAX = 32;
/** An ACK after every 2 packets until this many came, then after every 16. */
export const ACKNOWLEDGE_OFTEN_PACKETS = 100;
export const ACKNOWLEDGE_EVERY_FIRST = 2;
export const ACKNOWLEDGE_EVERY_LATER = 16;

/** What a peer says that it waited is taken for its event loop's lateness up to this. */
export const ACKNOWLEDGE_DELAY_BELIEVED_MS = 250;
export const INITIAL_RTT_MS = 100;
/** RFC 9002 §6.1: three packets, nine eighths; both adapt to the reordering that is seen. */
export const REORDERING_PACKETS_MIN = 3;
export const REORDERING_PACKETS_MAX = 256;
export const REORDERING_TIME_FACTOR_MIN = 9 / 8;
export const REORDERING_TIME_FACTOR_MAX = 2;
export const TIMER_GRANULARITY_MS = 1;
/** The probe timeout backs off up to this, so that a link that returns is noticed within a second. */
export const PROBE_INTERVAL_MAX_MS = 1000;
export const PROBE_PACKETS = 2;
/** A path of several carries nothing but probes after this many unanswered probe timeouts, until one is answered. */
export const FAILING_PROBES = 2;
/** A path is dead after this many unanswered probe timeouts and this long a silence, and a connection without a path. */
export const DEAD_PROBES = 3;
export const DEAD_SILENCE_MS = 30_000;
/** The side that opened the connection, which may be behind a NAT, keeps it alive; the other only if that fails. */
export const KEEPALIVE_MS = 25_000;
export const KEEPALIVE_ANSWERER_MS = 40_000;
/** A path in use gets new keys, by a new handshake, after the first; an attempt that failed is repeated after the second. */
export const REKEY_MS = 120_000;
export const REKEY_RETRY_MS = 10_000;
/** What was sealed with the keys before is opened for so long. */
export const KEYS_KEPT_MS = 5000;
/** A closed connection answers late packets with CLOSE for this long. */
export const CLOSING_MS = 3000;
export const CLOSE_REPEATS_MAX = 8;

/**
 * Path MTU: a search takes a size for too large after so many probes were lost; once it has ended, the next larger size is
 * tried this often. Large packets are given up after so many losses in a row.
 */
export const SIZE_PROBES_MAX = 3;
export const SIZE_PROBE_INTERVAL_MS = 60_000;
export const LARGE_LOSSES_MAX = 8;

/** An unanswered initiation is repeated after the first interval, then after the second. */
export const INITIATION_FIRST_RETRY_MS = 500;
export const INITIATION_RETRY_MS = 1000;
/** An attempt to connect is given up after this. */
export const ATTEMPT_MS = 8000;
/** An answered initiation is forgotten when no packet confirms it within this time. */
export const CONFIRMATION_MS = 10_000;
/** One for new keys of a path in use, which outlives any silence that the path does. */
export const RENEWAL_CONFIRMATION_MS = 60_000;
/** Answers to one peer that may still be confirmed: a round trip may be longer than its retry interval. */
export const UNCONFIRMED_PER_PEER_MAX = 4;
/** Simultaneous opens are settled by key order when both are younger than this. */
export const SIMULTANEOUS_OPEN_MS = 3000;
/** Under load (initiations with a good mac1 in one second) an address must prove itself with a cookie. */
export const INITIATIONS_PER_SECOND_MAX = 64;
export const COOKIE_SECRET_MS = 120_000;
/** And no more than this are looked at beyond their length: each costs some 60 us, answered with a cookie. */
export const LOADED_INITIATIONS_PER_SECOND_MAX = 2048;
export const LOADED_INITIATIONS_BURST = 64;
/** Per-address token bucket for initiations and resets. */
export const ADDRESS_BURST = 16;
export const ADDRESS_RATE_PER_SECOND = 8;
export const ADDRESSES_MAX = 4096;
/** Resets of all addresses together: a peer that lost a connection needs one. */
export const RESETS_PER_SECOND_MAX = 512;
export const RESETS_BURST = 64;
/** Handshake answers waiting to be sent; more are dropped, the peer repeats its initiation. */
export const ANSWERS_MAX = 64;
/** Peers whose last initiation timestamp is remembered. */
export const TIMESTAMPS_MAX = 1024;

/** One call of pollTransmit fills at most this. */
export const TRANSMIT_BYTES_MAX = 256 * KIB;
export const TRANSMIT_PACKETS_MAX = 256;
/** onDrain is called when the unacknowledged bytes fall through the mark or a multiple of the step, or the peer takes more. */
export const DRAIN_MARK_BYTES = 1 * MIB;
export const DRAIN_STEP_BYTES = 4 * MIB;
