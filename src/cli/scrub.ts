// `pfs scrub start|status`: reads every byte against its hash, names what is damaged, repairs it from peers. Exit code
// 3 while damage remains; 0 when there was none or all of it was repaired.
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { PacketFsError } from '../base/errors.ts';
import { requestControl } from '../control/client.ts';
import type { ScrubStatus } from '../control/methods.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { formatScrub } from './status-format.ts';

const POLL_INTERVAL_MS = 250;

interface ScrubOptions extends StateOption, JsonOption {
  readonly wait?: true;
  readonly repair?: true;
}

export function scrubCommand(output: CommandOutput): Command {
  const start = new Command('start')
    .description('start reading and checking everything')
    .option('-w, --wait', 'wait for the end')
    .option('--repair', 'fetch what is damaged from the peers');
  const status = new Command('status').description('show the last scrub').option('-w, --wait', 'wait for its end');
  return new Command('scrub')
    .description('check every byte against its hash')
    .addCommand(jsonOption(stateOption(start)).action((options: ScrubOptions) => startScrub(options, output)))
    .addCommand(jsonOption(stateOption(status)).action((options: ScrubOptions) => showScrub(options, output)));
}

async function startScrub(options: ScrubOptions, output: CommandOutput): Promise<void> {
  const started = await requestControl(options.state, 'scrub.start', { repair: options.repair ?? false });
  report(options.wait ? await waitForEnd(options, output) : started, options, output);
}

async function showScrub(options: ScrubOptions, output: CommandOutput): Promise<void> {
  const status = options.wait
    ? await waitForEnd(options, output)
    : await requestControl(options.state, 'scrub.status', {});
  report(status, options, output);
}

async function waitForEnd(options: ScrubOptions, output: CommandOutput): Promise<ScrubStatus> {
  const bar =
    output.terminal && !options.json
      ? new SingleBar({ format: 'scrub [{bar}] {percentage}% | {eta_formatted} left', hideCursor: true })
      : undefined;
  bar?.start(1, 0);
  try {
    for (;;) {
      const status = await requestControl(options.state, 'scrub.status', {});
      bar?.setTotal(Math.max(1, Number(status.bytesTotal)));
      bar?.update(Number(status.bytesDone));
      if (status.state !== 'running') return status;
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  } finally {
    bar?.stop();
  }
}

function report(status: ScrubStatus, options: ScrubOptions, output: CommandOutput): void {
  if (options.json) writeJson(output, status);
  else output.write(formatScrub(status));
  if (status.state === 'failed') throw new PacketFsError('PFS_IO', `The scrub did not finish: ${status.reason}`);
  if (status.findings.some((finding) => !finding.repaired)) output.setExitCode(EXIT_CODES.foundErrors);
}
