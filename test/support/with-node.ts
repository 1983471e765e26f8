// Runs a test body on one mounted node of its own, on a free port, and always takes it down; a failing body's daemon log
// is printed.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestNode } from './cluster.ts';
import { freeUdpPort } from './free-port.ts';

export function withNode(body: (node: TestNode) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'node-'));
    chmodSync(directory, 0o711); // some programs run as other users
    const node = new TestNode({ directory, port: await freeUdpPort() });
    await node.start();
    try {
      await body(node);
    } catch (error) {
      console.error(`---- daemon:\n${node.log()}`);
      await node.kill();
      throw error;
    }
    await node.stop();
  };
}
