// Locks of whole files and of ranges, between processes.
import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { property } from './property.ts';

/** Defines `locked_out(action)`: whether another process is refused. */
const OTHER_PROCESS = `
def locked_out(action):
    child = os.fork()
    if child == 0:
        try:
            fd = os.open(path, os.O_RDWR)
            action(fd)
            os._exit(0)
        except BlockingIOError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
fd = os.open(path, os.O_RDWR)
`;

export const lockProperties = [
  property('an exclusive flock shuts out others until it is released', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = `${OTHER_PROCESS}
attempt = lambda other: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
fcntl.flock(fd, fcntl.LOCK_EX)
during = locked_out(attempt)
fcntl.flock(fd, fcntl.LOCK_UN)
result = [during, locked_out(attempt)]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, false]);
  }),
  property('shared flocks go together, an exclusive one not beside them', async (site) => {
    writeFileSync(site.at('file'), '');
    const code = `${OTHER_PROCESS}
fcntl.flock(fd, fcntl.LOCK_SH)
result = [locked_out(lambda other: fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)),
          locked_out(lambda other: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB))]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [false, true]);
  }),
  property('a range lock shuts out others from that range alone', async (site) => {
    writeFileSync(site.at('file'), 'x'.repeat(100));
    const code = `${OTHER_PROCESS}
fcntl.lockf(fd, fcntl.LOCK_EX, 10, 20)
result = [locked_out(lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 25)),
          locked_out(lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 40))]
os.close(fd)`;
    assert.equal(await site.probe.run(code, { path: site.at('file') }), [true, false]);
  }),
];
