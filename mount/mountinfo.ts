// What is mounted in this mount namespace: /proc/self/mountinfo (proc_pid_mountinfo(5)). Reading it never touches a
// mounted filesystem, so it is safe while the daemon of that mount is ourselves, busy, or dead.
import { readFileSync } from 'node:fs';

const MOUNTINFO_PATH = '/proc/self/mountinfo';
const POLL_INTERVAL_MS = 20;

export interface MountEntry {
  readonly id: number;
  /** `major:minor`, the name of its folder in /sys/class/bdi. */
  readonly device: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
}

export const readMounts = (): MountEntry[] => parseMountinfo(readFileSync(MOUNTINFO_PATH, 'utf8'));

/** Lines that do not follow the format are left out. */
export function parseMountinfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** The topmost mount at exactly this path. */
export const findMount = (mountPoint: string, mounts: readonly MountEntry[] = readMounts()): MountEntry | undefined =>
  mounts.findLast((entry) => entry.mountPoint === mountPoint);

export const isPacketFs = (entry: MountEntry): boolean => entry.type === 'fuse.pfs' || entry.type === 'pfs';

/** Resolves with the entry once `find` gives one; undefined when `signal` aborts first. The kernel offers no file event
 * for a mount to Node, hence the polling. */
export async function waitForMount(
  find: () => MountEntry | undefined,
  signal: AbortSignal,
): Promise<MountEntry | undefined> {
  while (!signal.aborted) {
    const entry = find();
    if (entry !== undefined) return entry;
    await pause(signal);
  }
  return undefined;
}

/** Resolves when the mount with this id is no longer listed, or `signal` aborts. */
export async function waitForUnmount(id: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && readMounts().some((entry) => entry.id === id)) await pause(signal);
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, POLL_INTERVAL_MS);
    signal.addEventListener('abort', finish);
  });
}

/** `36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw` with octal escapes in names. */
function parseLine(line: string): MountEntry | undefined {
  const [left, right] = line.split(' - ', 2);
  const [id, , device, , mountPoint, options] = left?.split(' ') ?? [];
  const [type, source] = right?.split(' ') ?? [];
  if (id === undefined || device === undefined || mountPoint === undefined || options === undefined) return undefined;
  if (type === undefined || source === undefined) return undefined;
  return {
    id: Number(id),
    device,
    mountPoint: unescapeOctal(mountPoint),
    options: options.split(','),
    type,
    source: unescapeOctal(source),
  };
}

/** The kernel writes space, tab, newline, backslash and `#` as `\ooo`, byte by byte. */
function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const plain = bytes.replace(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(plain, 'latin1').toString('utf8');
}
