// Two mounts of one volume with their defaults: a transfer is what `pfs sync` waits for, the peer has it all on disk.
import { join } from 'node:path';
import { requestControl } from '../../../src/control/client.ts';
import { connectedPeers, invite, TestNode } from '../../../test/support/cluster.ts';
import { waitFor } from '../../../test/support/process.ts';
import type { RunningSubject, Sides, Subject } from './subject.ts';

const PORT = 7433;

export const packetfs: Subject = {
  name: 'packetfs',
  async start({ a, b }: Sides): Promise<RunningSubject> {
    const sender = new TestNode({ directory: join(a.directory, 'pfs'), namespace: a.end, port: PORT });
    const receiver = new TestNode({
      directory: join(b.directory, 'pfs'),
      namespace: b.end,
      port: PORT,
      peers: [sender.address],
    });
    await sender.pfsChecked('init');
    await invite(sender, receiver);
    await sender.start();
    await receiver.start();
    a.adopt(sender.processId);
    b.adopt(receiver.processId);
    await waitFor('the peers to connect', async () => (await connectedPeers(receiver)) > 0 || undefined);
    return {
      source: sender.mountPoint,
      target: receiver.mountPoint,
      transfer: async () => {
        await requestControl(sender.stateDirectory, 'sync', { timeoutSeconds: 0 });
      },
      stop: async () => {
        await receiver.stop();
        await sender.stop();
      },
    };
  },
};
