// `HOST:PORT` as people type it: IPv6 addresses in brackets, the port may be left out.
import { isIPv6 } from 'node:net';
import { PacketFsError } from '../src/base/errors.ts';

export const DEFAULT_PORT = 7433;
const PORT_MAX = 65535;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.2`, `10.0.0.2:7500`, `[fd00::2]:7500`, `fd00::2`, `storage.example:7500`. */
export function parseEndpoint(text: string): Endpoint {
  const endpoint = parseHostPort(text);
  if (endpoint.port === 0) throw invalid(text);
  return endpoint;
}

function parseHostPort(text: string): Endpoint {
  if (isIPv6(text)) return { host: text, port: DEFAULT_PORT };
  const match = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:[\]\s]+))(?::(?<port>\d+))?$/.exec(text);
  const host = match?.groups?.['bracketed'] ?? match?.groups?.['plain'];
  if (host === undefined) throw invalid(text);
  const given = match?.groups?.['port'];
  return { host, port: given === undefined ? DEFAULT_PORT : parsePort(given, text) };
}

/** An endpoint to listen on; `:7500` and `7500` mean every address, port 0 one that the system chooses. */
export function parseListenAddress(text: string): { readonly address: string; readonly port: number } {
  const portAlone = /^:?(\d+)$/.exec(text)?.[1];
  if (portAlone !== undefined) return { address: '0.0.0.0', port: parsePort(portAlone, text) };
  const { host, port } = parseHostPort(text);
  return { address: host, port };
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (port > PORT_MAX) throw invalid(text);
  return port;
}

const invalid = (text: string): PacketFsError =>
  new PacketFsError('PFS_USAGE', `"${text}" is not an address: write HOST, HOST:PORT or [IPV6]:PORT.`);
