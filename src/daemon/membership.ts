// Who may connect, and how peers learn of each other: the transport asks `authorize` for every authenticated first
// message; members known to one node are told to its peers, who hold the same volume secret and so may be believed.
import type { Clock, Logger } from '../base/clock.ts';
import { PEERS_MAX } from '../base/limits.ts';
import { redeemInvitation } from '../identity/invitations.ts';
import { listMembers, type Member, writeMember } from '../identity/members.ts';

export interface MemberEntry {
  readonly publicKey: Uint8Array;
  readonly addresses: readonly string[];
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const ADDRESSES_PER_MEMBER_MAX = 8;

export class Membership {
  readonly #stateDirectory: string;
  readonly #self: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Set<(member: Member) => void>();

  constructor(options: { stateDirectory: string; publicKey: Uint8Array; clock: Clock; logger: Logger }) {
    this.#stateDirectory = options.stateDirectory;
    this.#self = keyText(options.publicKey);
    this.#clock = options.clock;
    this.#logger = options.logger;
    for (const member of listMembers(options.stateDirectory)) this.#members.set(keyText(member.publicKey), member);
  }

  members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Called for members that were not known before. */
  onMember(listener: (member: Member) => void): void {
    this.#listeners.add(listener);
  }

  /** Whether a peer that proved this key and the volume secret may connect; `payload` may spend an invitation. */
  authorize(publicKey: Uint8Array, payload: Uint8Array): 'accept' | 'refuse' {
    if (this.#members.has(keyText(publicKey))) return 'accept';
    const nowMs = Number(this.#clock.wall() / NANOSECONDS_PER_MILLISECOND);
    if (this.#members.size >= PEERS_MAX) {
      this.#logger.warn({ peer: keyText(publicKey), members: PEERS_MAX }, 'peer refused: the member list is full');
      return 'refuse';
    }
    if (!redeemInvitation(this.#stateDirectory, payload, nowMs)) return 'refuse';
    if (!this.#add({ publicKey, addresses: [], invitation: undefined })) return 'refuse';
    this.#logger.info({ peer: keyText(publicKey) }, 'invitation taken, peer registered');
    return 'accept';
  }

  /** The invitation to show to this peer, empty when there is none left to show. */
  payloadFor(publicKey: Uint8Array): Uint8Array {
    return this.#members.get(keyText(publicKey))?.invitation ?? new Uint8Array(0);
  }

  /** A connection to this peer stands: its invitation is spent. */
  connected(publicKey: Uint8Array): void {
    const member = this.#members.get(keyText(publicKey));
    if (member?.invitation !== undefined) this.#store({ ...member, invitation: undefined });
  }

  /** What to tell peers. */
  entries(): readonly MemberEntry[] {
    return this.members().map(({ publicKey, addresses }) => ({ publicKey, addresses }));
  }

  /** What an authenticated peer told. */
  learn(entries: readonly MemberEntry[]): void {
    for (const entry of entries) {
      if (keyText(entry.publicKey) === this.#self || this.#members.has(keyText(entry.publicKey))) continue;
      if (this.#members.size >= PEERS_MAX) {
        this.#logger.warn({ members: PEERS_MAX }, 'the member list is full; what a peer tells of others is dropped');
        return;
      }
      const addresses = entry.addresses.slice(0, ADDRESSES_PER_MEMBER_MAX);
      if (!this.#add({ publicKey: entry.publicKey, addresses, invitation: undefined })) return;
      this.#logger.info({ peer: keyText(entry.publicKey) }, 'peer registered, told by another peer');
    }
  }

  #add(member: Member): boolean {
    if (!this.#store(member)) return false;
    for (const listener of this.#listeners) listener(member);
    return true;
  }

  /** False when it could not be written (a full disk): what is on disk and what is known here stay the same. */
  #store(member: Member): boolean {
    try {
      writeMember(this.#stateDirectory, member);
    } catch (error) {
      this.#logger.error({ peer: keyText(member.publicKey), error }, 'a member cannot be written');
      return false;
    }
    this.#members.set(keyText(member.publicKey), member);
    return true;
  }
}

/** A member as peers tell it: JSON, `{"key": hex, "addresses": […]}`. */
export const encodeMemberEntry = ({ publicKey, addresses }: MemberEntry): Uint8Array =>
  Buffer.from(JSON.stringify({ key: keyText(publicKey), addresses }));

/** Undefined when it is malformed. */
export function decodeMemberEntry(bytes: Uint8Array): MemberEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // the caller counts it
  }
  if (typeof value !== 'object' || value === null || !('key' in value) || !('addresses' in value)) return undefined;
  const { key, addresses } = value;
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) return undefined;
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === 'string')) return undefined;
  return { publicKey: Buffer.from(key, 'hex'), addresses };
}

export const keyText = (publicKey: Uint8Array): string => Buffer.from(publicKey).toString('hex');
