// `pfs invite`: prints a single-use token, good for 24 hours, as its last line. Needs no daemon.
import { Command } from 'commander';
import { INVITATION_MAX_MS } from '../base/limits.ts';
import { createInvitation } from '../identity/identity.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';

interface InviteOptions extends StateOption, JsonOption {
  readonly address?: string;
}

export function inviteCommand(output: CommandOutput): Command {
  const command = new Command('invite')
    .description('print a token that lets one machine join, once')
    .option('--address <host:port>', 'where the joining machine reaches this node; it goes into the token');
  return jsonOption(stateOption(command)).action((options: InviteOptions) => {
    const nowMs = Date.now();
    const token = createInvitation(options.state, {
      nowMs,
      ...(options.address === undefined ? {} : { address: options.address }),
    });
    const expires = new Date(nowMs + INVITATION_MAX_MS).toISOString();
    if (options.json) return writeJson(output, { token, expires });
    output.write(`Whoever has this token can join once, until ${expires}; it holds the volume's secret.\n`);
    output.write('On the other machine:  pfs join TOKEN && pfs-mount DIR --peer HOST:PORT\n');
    output.write(`${token}\n`);
  });
}
