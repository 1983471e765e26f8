// What is mounted, read from /proc/self/mountinfo (proc(5)), and unmounting what a test left behind.
import { readFileSync } from 'node:fs';
import { run } from './process.ts';

export interface Mount {
  readonly mountPoint: string;
  readonly filesystem: string;
  readonly source: string;
}

export function readMounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const separator = fields.indexOf('-');
      return {
        mountPoint: unescapeOctal(fields[4] ?? ''),
        filesystem: fields[separator + 1] ?? '',
        source: unescapeOctal(fields[separator + 2] ?? ''),
      };
    });
}

export const isMounted = (mountPoint: string): boolean => readMounts().some((mount) => mount.mountPoint === mountPoint);

/** Unmounts everything at or below a directory, the innermost first, whether or not its daemon still answers. */
export async function unmountBelow(directory: string): Promise<void> {
  const inside = readMounts().filter(
    ({ mountPoint }) => mountPoint === directory || mountPoint.startsWith(`${directory}/`),
  );
  for (const { mountPoint } of inside.reverse()) await run('umount', ['-l', mountPoint]);
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
