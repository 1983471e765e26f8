// Runs a test body on a fresh cluster and always takes it down; a failing body's daemon logs are printed.
import { type Cluster, startCluster } from './cluster.ts';

export function withCluster(body: (cluster: Cluster) => Promise<void>): () => Promise<void> {
  return async () => {
    const cluster = await startCluster();
    try {
      await body(cluster);
    } catch (error) {
      console.error(`---- daemon of A:\n${cluster.a.log()}\n---- daemon of B:\n${cluster.b.log()}`);
      await cluster.abandon();
      throw error;
    }
    await cluster.close();
  };
}
