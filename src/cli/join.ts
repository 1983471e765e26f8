// `pfs join TOKEN`: takes a volume's identity from a token. Needs no daemon; the first connection completes it.
import { Command } from 'commander';
import { acceptInvitation } from '../identity/identity.ts';
import {
  type CommandOutput,
  hex,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';

export function joinCommand(output: CommandOutput): Command {
  const command = new Command('join')
    .description('join the volume of a token')
    .argument('<token>', 'the last line that `pfs invite` printed');
  return jsonOption(stateOption(command)).action((token: string, options: StateOption & JsonOption) => {
    const { node, volume } = acceptInvitation(options.state, token);
    const joined = { volume: hex(volume.id), node: hex(node.publicKey), state: options.state };
    if (options.json) return writeJson(output, joined);
    output.write(`joined volume ${joined.volume}\nthis node is ${joined.node}\n`);
    output.write(`mount it: pfs-mount DIR --state ${options.state} --peer HOST:PORT\n`);
  });
}
