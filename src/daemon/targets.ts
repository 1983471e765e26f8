// Which addresses the transport pursues: those given with --peer, and those of members. An address given by hand may be
// any member's machine, so every member's key is a candidate there.
import type { Membership } from './membership.ts';
import type { PeerAddress } from './peer-target.ts';

export const DEFAULT_PORT = 7433;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export function targetsOf(membership: Membership, configured: readonly HostPort[]): PeerAddress[] {
  const members = membership.members();
  const targets = new Map<string, PeerAddress>();
  for (const member of members) {
    for (const address of member.addresses) {
      const place = parseAddress(address);
      if (place !== undefined)
        targets.set(textOf(place), withPayload({ ...place, publicKeys: [member.publicKey] }, membership));
    }
  }
  for (const place of configured) {
    if (members.length === 0 || targets.has(textOf(place))) continue;
    const publicKeys = members.map((member) => member.publicKey);
    targets.set(textOf(place), withPayload({ ...place, publicKeys }, membership));
  }
  return [...targets.values()];
}

export const textOf = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** `host`, `host:port` or `[v6]:port`; undefined when it is none of them. */
export function parseAddress(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
}

function withPayload(address: Omit<PeerAddress, 'payload'>, membership: Membership): PeerAddress {
  const payload = address.publicKeys.map((key) => membership.payloadFor(key)).find((bytes) => bytes.length > 0);
  return payload === undefined ? address : { ...address, payload };
}
