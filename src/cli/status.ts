// `pfs status`: what the daemon is, its peers and how far each is behind. Asks the running daemon.
import { Command } from 'commander';
import { requestControl } from '../control/client.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';
import { formatStatus } from './status-format.ts';

export function statusCommand(output: CommandOutput): Command {
  const command = new Command('status').description('show the volume, its peers and what is under way');
  return jsonOption(stateOption(command)).action(async (options: StateOption & JsonOption) => {
    const status = await requestControl(options.state, 'status', {});
    if (options.json) return writeJson(output, status);
    output.write(formatStatus(status));
  });
}
