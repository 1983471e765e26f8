// `pfs check`: everything a volume keeps against everything else. Of a volume that nobody uses it reads the state
// directory itself; with --online it asks the daemon. Exit code 3 when it found something.
import { Command } from 'commander';
import { isPacketFsError, PacketFsError } from '../base/errors.ts';
import { requestControl } from '../control/client.ts';
import type { CheckReportResult, CheckStatus } from '../control/methods.ts';
import { formatCheck } from './check-format.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';

const POLL_INTERVAL_MS = 100;
const REDRAW_INTERVAL_MS = 100;

interface CheckOptions extends StateOption, JsonOption {
  readonly online?: true;
  readonly data?: true;
  readonly repair?: true;
}

type Progress = Pick<CheckStatus, 'phase' | 'done' | 'findingCount'>;

const HELP = `
Looks at commits, segments, inodes, names, the tree, operations, the journal and the peers' files, and tells
what does not fit: its kind, the path, what is wrong and what to do. Changes nothing without --repair.

  pfs check --state DIR             a volume that is not mounted (exit code 11 if it is)
  pfs check --state DIR --online    a mounted one: its daemon checks its last commit, and goes on serving
  pfs check --state DIR --data      the same, and every byte is read against its hash
  pfs check --state DIR --repair    puts right what can be, says what it did, and looks again; the records as they
                                    were are saved in DIR/repairs, what nothing names goes to /.pfs-lost; with
                                    --online missing bytes are fetched from peers

Exit codes: 0 nothing found (or all of it repaired), 3 something found, 2 the check could not be done, 10 no volume, 11 in use.
After an unclean stop the journal waits for the next mount: that is told, and is no finding.`;

export function checkCommand(output: CommandOutput): Command {
  const command = new Command('check')
    .description('check that all a volume keeps fits together')
    .option('--online', 'ask the daemon that has it mounted')
    .option('--data', 'read every byte and check it against its hash')
    .option('--repair', 'put right what can be')
    .addHelpText('after', HELP);
  return jsonOption(stateOption(command)).action(async (options: CheckOptions) => {
    const line = new ProgressLine(output, options);
    try {
      const report = await (options.online ? checkOnline(options, line) : checkOffline(options, line));
      line.clear();
      if (options.json) writeJson(output, report);
      else output.write(formatCheck(report, options.state));
      if (report.findingCount > 0) output.setExitCode(EXIT_CODES.foundErrors);
    } finally {
      line.clear();
    }
  });
}

async function checkOffline(options: CheckOptions, line: ProgressLine): Promise<CheckReportResult> {
  // Only this command opens a volume by itself: the others need neither addon nor Level to start.
  const { checkVolumeOffline, repairVolumeOffline } = await import('../daemon/check.ts');
  const request = { stateDirectory: options.state, verifyData: options.data ?? false };
  try {
    if (options.repair) return await repairVolumeOffline(request);
    return await checkVolumeOffline({
      ...request,
      onProgress: (progress) => line.show(progress),
    });
  } catch (error) {
    if (!isPacketFsError(error, 'PFS_LOCKED')) throw error;
    throw new PacketFsError('PFS_LOCKED', `${options.state} is in use: check it with \`pfs check --online\``, {
      cause: error,
    });
  }
}

async function checkOnline(options: CheckOptions, line: ProgressLine): Promise<CheckReportResult> {
  await requestControl(options.state, 'check.start', {
    data: options.data ?? false,
    repair: options.repair ?? false,
  });
  for (;;) {
    const status = await requestControl(options.state, 'check.status', {});
    if (status.report !== undefined) return status.report;
    if (status.state === 'failed') throw new PacketFsError('PFS_IO', `The check did not finish: ${status.reason}`);
    line.show(status);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** One line that is drawn again and again, where a person watches. */
class ProgressLine {
  readonly #output: CommandOutput;
  readonly #enabled: boolean;
  #shownAtMs = 0;
  #width = 0;

  constructor(output: CommandOutput, options: CheckOptions) {
    this.#output = output;
    this.#enabled = output.terminal && options.json !== true;
  }

  show({ phase, done, findingCount }: Progress): void {
    const nowMs = Date.now();
    if (!this.#enabled || nowMs - this.#shownAtMs < REDRAW_INTERVAL_MS) return;
    this.#shownAtMs = nowMs;
    const text = `checking ${phase}: ${done.toLocaleString('en-US')} looked at, ${findingCount} found`;
    this.#output.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  clear(): void {
    if (this.#width === 0) return;
    this.#output.write(`\r${' '.repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
