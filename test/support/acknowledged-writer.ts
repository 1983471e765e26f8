// A process that writes files of random bytes and says which it has closed (or fsynced): what a crash must not lose.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const WRITER = `
import hashlib, os, sys, time
directory, files, size, prefix, sync = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5] == 'sync'
for index in range(files):
    name = f'{prefix}{index}'
    content = os.urandom(size)
    started = time.monotonic()
    try:
        fd = os.open(directory + '/' + name, os.O_CREAT | os.O_WRONLY, 0o644)
        written = 0
        while written < size:
            written += os.write(fd, content[written:written + (1 << 20)])
        if sync:
            os.fsync(fd)
        os.close(fd)
    except OSError as error:
        sys.exit(0)
    print(name, hashlib.sha256(content).hexdigest(), time.monotonic() - started, flush=True)
`;

export interface Acknowledged {
  readonly name: string;
  readonly sha256: string;
  /** From open to the return of close. */
  readonly seconds: number;
}

export interface Writer {
  /** Grows while it writes. */
  readonly acknowledged: readonly Acknowledged[];
  /** Settles when it has written all, or the filesystem has failed it. */
  readonly ended: Promise<void>;
}

export function startWriter(options: {
  readonly directory: string;
  readonly files: number;
  readonly fileBytes: number;
  readonly prefix?: string;
  readonly sync?: boolean;
}): Writer {
  const { directory, files, fileBytes, prefix = 'file-', sync = false } = options;
  const parameters = ['-c', WRITER, directory, String(files), String(fileBytes), prefix, sync ? 'sync' : 'close'];
  const child = spawn('python3', parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: Acknowledged[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = '', sha256 = '', seconds = ''] = line.split(' ');
    acknowledged.push({ name, sha256, seconds: Number(seconds) });
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the writer ended with ${code}`))));
  });
  return { acknowledged, ended };
}
