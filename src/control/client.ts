// A command's side of the control socket.
import { createConnection } from 'node:net';
import { type ErrorCode, PacketFsError } from '../base/errors.ts';
import { controlSocketPath, LineReader, parseAnswer } from './messages.ts';
import type { ControlMethod, ControlParameters, ControlResult } from './methods.ts';

/** Asks the daemon of a state directory. PFS_NO_DAEMON when none runs; else whatever the daemon answers. */
export async function requestControl<Method extends ControlMethod>(
  stateDirectory: string,
  method: Method,
  parameters: ControlParameters<Method>,
  options: { signal?: AbortSignal } = {},
): Promise<ControlResult<Method>> {
  const line = await exchange(stateDirectory, `${JSON.stringify({ method, parameters })}\n`, options.signal);
  const answer = parseAnswer(line);
  if (answer === undefined) {
    throw new PacketFsError('PFS_PROTOCOL', 'The daemon gave no whole answer: did it stop? See its log.');
  }
  if ('error' in answer) throw new PacketFsError(answer.error.code as ErrorCode, answer.error.message);
  return answer.result as ControlResult<Method>;
}

function exchange(stateDirectory: string, request: string, signal: AbortSignal | undefined): Promise<string> {
  const path = controlSocketPath(stateDirectory);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    const reader = new LineReader();
    const abort = (): void => {
      socket.destroy();
      reject(new PacketFsError('PFS_TIMEOUT', 'The request was given up.'));
    };
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('connect', () => socket.write(request));
    socket.on('data', (part) => {
      const line = reader.push(part);
      if (line === undefined) return;
      socket.destroy();
      resolve(line);
    });
    socket.on('error', (cause) => reject(noDaemon(stateDirectory, cause)));
    socket.on('close', () => {
      signal?.removeEventListener('abort', abort);
      resolve('');
    });
  });
}

const noDaemon = (stateDirectory: string, cause: unknown): PacketFsError =>
  new PacketFsError(
    'PFS_NO_DAEMON',
    `No PacketFS daemon runs on ${stateDirectory}: start one with \`pfs-mount DIR --state ${stateDirectory}\`.`,
    { cause, facts: { stateDirectory } },
  );
