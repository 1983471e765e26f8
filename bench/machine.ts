// What a bench ran on, for the record.
import { arch, cpus, release, totalmem } from 'node:os';
import { runChecked } from '../test/support/process.ts';

const BYTES_PER_GIB = 2 ** 30;

/** `directory` lies on the disk that is described. */
export async function describeMachine(directory: string): Promise<Record<string, string>> {
  const processors = cpus();
  const disk = await runChecked('findmnt', ['-n', '-o', 'SOURCE,FSTYPE,OPTIONS', '-T', directory]);
  return {
    processors: `${processors.length} x ${processors[0]?.model ?? 'unknown'} (${arch()})`,
    memory: `${(totalmem() / BYTES_PER_GIB).toFixed(1)} GiB`,
    kernel: release(),
    node: process.version,
    disk: disk.trim().replaceAll(/\s+/g, ' '),
  };
}
