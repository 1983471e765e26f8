// `pfs sync`: waits until peers have durably applied all that was committed here before the call. Never hangs.
import { Command } from 'commander';
import { PacketFsError } from '../base/errors.ts';
import { requestControl } from '../control/client.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  parseSeconds,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';

const TIMEOUT_DEFAULT_SECONDS = 60;
/** The daemon times the wait itself; past this much more it is the daemon that does not answer. */
const ANSWER_GRACE_SECONDS = 10;

interface SyncOptions extends StateOption, JsonOption {
  readonly to?: string;
  readonly timeout: number;
}

export function syncCommand(output: CommandOutput): Command {
  const command = new Command('sync')
    .description('wait until peers have durably applied everything committed here before the call')
    .option('--to <peer>', 'only this peer: its key, the beginning of it, or its host')
    .option('--timeout <seconds>', 'give up after this long', parseSeconds, TIMEOUT_DEFAULT_SECONDS);
  return jsonOption(stateOption(command)).action(async (options: SyncOptions) => {
    if (options.timeout === 0)
      throw new PacketFsError('PFS_USAGE', 'A sync must have time: give --timeout more than 0.');
    const signal = AbortSignal.timeout((options.timeout + ANSWER_GRACE_SECONDS) * 1000);
    const parameters = {
      timeoutSeconds: options.timeout,
      ...(options.to === undefined ? {} : { to: options.to }),
    };
    const result = await requestControl(options.state, 'sync', parameters, { signal });
    if (options.json) return writeJson(output, result);
    output.write(
      `${result.peers} ${result.peers === 1 ? 'peer has' : 'peers have'} all up to sequence ${result.sequence}\n`,
    );
  });
}
