// `pfs check` at both ends: what the daemon answers about a volume in use, and the check of one that nobody uses, which
// `pfs` runs itself. Peers' records are the identity room's, so they are added here.
import { native } from '../addon/addon.ts';
import { silentLogger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import type { CheckReportResult, CheckStatus } from '../control/methods.ts';
import { loadIdentity } from '../identity/identity.ts';
import { inspectMembers } from '../identity/members.ts';
import type { CheckState } from '../volume/check/check.ts';
import { REMEDIES } from '../volume/check/findings.ts';
import { checkOffline } from '../volume/check/offline.ts';
import type { AddedPhase, CheckProgress, CheckReport } from '../volume/check/run-check.ts';
import { openVolume } from '../volume/open-volume.ts';
import { systemClock } from './system.ts';

/** The peers' files in the state directory. */
export function membersPhase(stateDirectory: string): AddedPhase {
  return {
    name: 'members',
    run: (report) => {
      const members = inspectMembers(stateDirectory);
      for (const { file, problem } of members) {
        if (problem !== undefined) report({ code: 'member-record', path: file, detail: problem });
      }
      return `${members.length} ${members.length === 1 ? 'peer' : 'peers'}`;
    },
  };
}

/** PFS_NO_VOLUME, PFS_BAD_KEY, PFS_LOCKED when a daemon has the volume. */
export async function checkVolumeOffline(options: {
  readonly stateDirectory: string;
  readonly verifyData: boolean;
  readonly onProgress: (progress: CheckProgress) => void;
}): Promise<CheckReportResult> {
  const { volume } = loadIdentity(options.stateDirectory);
  const report = await checkOffline({
    ...options,
    volumeId: volume.id,
    volumeSecret: volume.secret,
    native,
    clock: systemClock,
    signal: new AbortController().signal,
    addedPhases: [membersPhase(options.stateDirectory)],
  });
  return checkReportOf(report);
}

/** Opens the volume as a mount does, recovery included, repairs what can be without peers, and closes it. */
export async function repairVolumeOffline(options: {
  readonly stateDirectory: string;
  readonly verifyData: boolean;
}): Promise<CheckReportResult> {
  const { stateDirectory, verifyData } = options;
  const { node, volume: key } = loadIdentity(stateDirectory);
  const volume = await openVolume({
    stateDirectory,
    volumeId: key.id,
    volumeSecret: key.secret,
    node: node.publicKey,
    clock: systemClock,
    logger: silentLogger,
    native,
  });
  try {
    const addedPhases = [membersPhase(stateDirectory)];
    volume.check.start({ verifyData, addedPhases, repair: { fetch: undefined } });
    const outcome = await volume.check.finished();
    if (outcome.state === 'done') return checkReportOf(outcome.report);
    const reason = outcome.state === 'failed' ? outcome.reason : 'it did not run';
    throw new PacketFsError('PFS_IO', `The check did not finish: ${reason}`);
  } finally {
    await volume.close();
  }
}

export function checkStatusOf(check: CheckState): CheckStatus {
  const nothing = { phase: '', done: 0, findingCount: 0, reason: '' };
  switch (check.state) {
    case 'never':
      return { ...nothing, state: 'never' };
    case 'running':
      return { ...nothing, ...check.progress, state: 'running' };
    case 'failed':
      return { ...nothing, state: 'failed', reason: check.reason };
    case 'done': {
      const report = checkReportOf(check.report);
      return { ...nothing, state: 'done', findingCount: report.findingCount, report };
    }
  }
}

function checkReportOf(report: CheckReport): CheckReportResult {
  return {
    commit: String(report.commit),
    phases: report.phases,
    findingCount: report.findingCount,
    repairs: report.repairs,
    findings: report.findings.map(({ code, path, inode, detail, repaired }) => ({
      code,
      path,
      inode: inode === undefined ? '' : String(inode),
      detail,
      remedy: REMEDIES[code],
      repaired,
    })),
    notes: report.notes,
  };
}
