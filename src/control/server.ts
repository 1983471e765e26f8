// The daemon's side of the control socket: <state>/control.sock, mode 0600, so only the volume's owner may ask. A
// client that goes away aborts its request.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import {
  answerForError,
  type ControlAnswer,
  type ControlRequest,
  controlSocketPath,
  LineReader,
  parseRequest,
} from './messages.ts';
import type { ControlHandlers, ControlMethod } from './methods.ts';

const SOCKET_MODE = 0o600;
const CONNECTIONS_MAX = 64;

export interface ControlServer {
  close(): Promise<void>;
}

/** The caller holds the state lock, so a socket file that is there is a leftover. */
export async function serveControl(options: {
  stateDirectory: string;
  handlers: ControlHandlers;
  logger: Logger;
}): Promise<ControlServer> {
  const path = controlSocketPath(options.stateDirectory);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveConnection(socket, options.handlers, options.logger);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  chmodSync(path, SOCKET_MODE);
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new PacketFsError('PFS_IO', `Cannot listen on ${path}: is the path too long?`, { cause })),
    );
    server.listen(path, () => resolve());
  });

function serveConnection(socket: Socket, handlers: ControlHandlers, logger: Logger): void {
  const reader = new LineReader();
  const gone = new AbortController();
  socket.on('error', (error) => logger.debug({ error: error.message }, 'control connection failed'));
  socket.on('close', () => gone.abort());
  const onData = (part: Buffer): void => {
    const line = readLine(reader, part);
    if (line === undefined) return;
    socket.off('data', onData);
    socket.resume();
    answerLine(line, handlers, gone.signal).then(
      (answer) => socket.end(`${JSON.stringify(answer)}\n`),
      (error) => logger.error({ error: String(error) }, 'control answer failed'),
    );
  };
  socket.on('data', onData);
}

function readLine(reader: LineReader, part: Buffer): string | undefined {
  try {
    return reader.push(part);
  } catch {
    return ''; // too long: answered as malformed
  }
}

async function answerLine(line: string, handlers: ControlHandlers, signal: AbortSignal): Promise<ControlAnswer> {
  const request = parseRequest(line);
  if (request === undefined) {
    return answerForError(
      new PacketFsError(
        'PFS_PROTOCOL',
        'The daemon did not understand the request: are `pfs` and the daemon of the same version?',
      ),
    );
  }
  try {
    return { result: await dispatch(handlers, request, signal) };
  } catch (error) {
    return answerForError(error);
  }
}

function dispatch(handlers: ControlHandlers, request: ControlRequest, signal: AbortSignal): Promise<unknown> {
  const handler = handlers[request.method] as (parameters: unknown, signal: AbortSignal) => Promise<unknown>;
  checkParameters(request.method, request.parameters);
  return handler(request.parameters, signal);
}

const EXPECTED: Readonly<Record<ControlMethod, Readonly<Record<string, string>>>> = {
  status: {},
  sync: { to: 'string?', timeoutSeconds: 'number' },
  'scrub.start': { repair: 'boolean' },
  'scrub.status': {},
  'check.start': { data: 'boolean', repair: 'boolean' },
  'check.status': {},
  'seed.add': { path: 'string' },
  'seed.forget': { path: 'string' },
  'seed.status': {},
  info: { path: 'string' },
};

function checkParameters(method: ControlMethod, parameters: Readonly<Record<string, unknown>>): void {
  for (const [name, expected] of Object.entries(EXPECTED[method])) {
    const value = parameters[name];
    if (expected.endsWith('?') && value === undefined) continue;
    if (typeof value !== expected.replace('?', '')) {
      throw new PacketFsError('PFS_USAGE', `${method} needs ${name} (${expected}).`);
    }
  }
}
