// The journal's part of a check: what the next mount will replay can be read.
import { isPacketFsError } from '../../base/errors.ts';
import { decodeMutation } from '../../namespace/journal-records.ts';
import { type Crc32c, type JournalFile, readJournals } from '../journal.ts';
import type { FindingCode } from './findings.ts';

export interface JournalsSeen {
  readonly files: number;
  readonly records: number;
}

export function checkJournals(options: {
  readonly directory: string;
  readonly crc32c: Crc32c;
  /** The last use ended in order, and nobody uses the volume now. */
  readonly atRest: boolean;
  readonly report: (finding: { readonly code: FindingCode; readonly path: string; readonly detail: string }) => void;
}): JournalsSeen {
  const files = readJournals(options.directory, options.crc32c);
  for (const file of files) {
    checkRecords(file, options.report);
    if (!options.atRest || file.entries.length === 0) continue;
    const detail = `${file.entries.length} changes that no commit has, although the volume was closed in order`;
    options.report({ code: 'journal-left', path: file.path, detail });
  }
  return {
    files: files.length,
    records: files.reduce((sum, file) => sum + file.entries.length, 0),
  };
}

function checkRecords(file: JournalFile, report: Parameters<typeof checkJournals>[0]['report']): void {
  for (const [index, entry] of file.entries.entries()) {
    if (entry.kind !== 'mutation') continue;
    try {
      decodeMutation(entry.record);
    } catch (error) {
      if (!isPacketFsError(error)) throw error;
      report({ code: 'journal-record', path: file.path, detail: `record ${index} is no change that is known` });
      return; // replay ends there
    }
  }
}
