// The report of a check as text, in the manner of `zpool status`: phases as a table, then what was found.
import Table from 'cli-table3';
import type { CheckFinding, CheckReportResult } from '../control/methods.ts';
import { NO_BORDERS } from './status-format.ts';

const MS_PER_SECOND = 1000;

export function formatCheck(report: CheckReportResult, stateDirectory: string): string {
  const table = new Table({
    head: ['PHASE', 'LOOKED AT', 'FOUND', 'SECONDS'],
    style: { head: [], border: [], compact: true },
    chars: NO_BORDERS,
  });
  for (const { name, checked, findings, milliseconds } of report.phases) {
    table.push([name, checked, String(findings), (milliseconds / MS_PER_SECOND).toFixed(1)]);
  }
  const phases = report.phases.length === 0 ? '' : `${table.toString().replace(/^/gm, '  ').replace(/ +$/gm, '')}\n`;
  const repairs = report.repairs.map((what) => `repair: ${what}\n`).join('');
  const notes = report.notes.map((note) => `note: ${note}\n`).join('');
  const findings = report.findings.map(formatFinding).join('');
  return `check of ${stateDirectory}, commit ${report.commit}\n${phases}${notes}${findings}${repairs}${summaryOf(report)}\n`;
}

function formatFinding({ code, path, inode, detail, remedy, repaired }: CheckFinding): string {
  const where = [path, inode === '' ? '' : `(inode ${inode})`].filter((part) => part !== '').join(' ');
  return `${code}${where === '' ? '' : `: ${where}`}\n    ${detail}\n    ${repaired ? 'repaired' : `remedy: ${remedy}`}\n`;
}

function summaryOf({ findingCount, findings }: CheckReportResult): string {
  const repaired = findings.filter((finding) => finding.repaired).length;
  if (findingCount === 0) return repaired === 0 ? 'nothing found wrong' : `all of ${repaired} repaired`;
  const unlisted = findingCount - (findings.length - repaired);
  const more = unlisted > 0 ? `, of which ${unlisted} are not listed` : '';
  return `${findingCount} ${findingCount === 1 ? 'finding' : 'findings'}${more}`;
}
