// `pfs init`: makes a new volume in a state directory. Needs no daemon.
import { Command } from 'commander';
import { initialise } from '../identity/identity.ts';
import {
  type CommandOutput,
  hex,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';

export function initCommand(output: CommandOutput): Command {
  const command = new Command('init').description('make a new volume');
  return jsonOption(stateOption(command)).action((options: StateOption & JsonOption) => {
    const { node, volume } = initialise(options.state);
    const made = { volume: hex(volume.id), node: hex(node.publicKey), state: options.state };
    if (options.json) return writeJson(output, made);
    output.write(`made volume ${made.volume}\nthis node is ${made.node}\n`);
    output.write(`mount it:     pfs-mount DIR --state ${options.state}\n`);
    output.write(`add a machine: pfs invite --state ${options.state}\n`);
  });
}
