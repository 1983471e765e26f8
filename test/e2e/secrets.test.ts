// No secret leaves the files that are for it: all that two nodes have written (logs at debug, Level, journals, blobs, what
// commands printed) is searched for each secret, as raw bytes, hex and base64.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadIdentity } from '../../src/identity/identity.ts';
import { decodeToken } from '../../src/identity/token.ts';
import { connectedPeers, TestNode } from '../support/cluster.ts';
import { waitFor } from '../support/process.ts';

const FILES = 50;
const INVITATION_ID_BYTES = 16;

const test = suite<{ directory: string; a: TestNode; b: TestNode }>('secrets');
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'secrets-'));
  context.a = new TestNode({ directory: join(context.directory, 'a'), port: 7541 });
  context.b = new TestNode({ directory: join(context.directory, 'b'), port: 7542, peers: ['127.0.0.1:7541'] });
});
test.after.each(async ({ a, b }) => {
  for (const node of [b, a]) await node.kill();
});

/** Every file below, but the two key files. */
function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() && entry.name !== 'node.key' && entry.name !== 'volume.key') yield path;
  }
}

const formsOf = (secret: Uint8Array): readonly Buffer[] => {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  // Without the last characters, which depend on what follows the secret.
  const base64 = bytes.toString('base64').replace(/=*$/, '').slice(0, -1);
  const base64url = bytes.toString('base64url').slice(0, -1);
  const list = JSON.stringify([...bytes]).slice(1, -1); // an array in JSON
  return [bytes, ...[hex, hex.toUpperCase(), base64, base64url, list].map((text) => Buffer.from(text))];
};

test('no secret is in logs, answers, journals, Level or blobs', async ({ directory, a, b }) => {
  const printed: string[] = [await a.pfsChecked('init')];
  const token = (await a.pfsChecked('invite', '--address', a.address)).trimEnd().split('\n').at(-1) ?? '';
  const { proof } = decodeToken(token);
  const joined = await b.pfs('join', token);
  printed.push(joined.stdout, joined.stderr);
  printed.push((await b.pfs('join', token)).stderr, (await b.pfs('join', `${token}x`)).stderr);
  for (const node of [a, b]) await node.start(['--log-level', 'debug']);
  await waitFor('the peers to connect', async () => ((await connectedPeers(b)) > 0 ? true : undefined));
  for (let index = 0; index < FILES; index++) writeFileSync(a.at(`file-${index}`), `content ${index} `.repeat(500));
  await a.sync();
  assert.is(readdirSync(b.mountPoint).length, FILES);
  for (const node of [a, b]) {
    for (const command of [['status'], ['status', '--json'], ['peers'], ['sync', '--timeout', '10']]) {
      const { stdout, stderr } = await node.pfs(...command);
      printed.push(stdout, stderr);
    }
  }
  const secrets = {
    'the secret key of A': loadIdentity(a.stateDirectory).node.secretKey,
    'the secret key of B': loadIdentity(b.stateDirectory).node.secretKey,
    'the secret of the volume': loadIdentity(a.stateDirectory).volume.secret,
    'the secret of the invitation': proof.subarray(INVITATION_ID_BYTES),
  };
  const keyFile = readFileSync(join(a.stateDirectory, 'volume.key'));
  assert.ok(
    formsOf(secrets['the secret of the volume']).some((form) => keyFile.includes(form)),
    'the search finds',
  );
  await b.kill(); // its journal stays
  await a.stop();
  writeFileSync(join(directory, 'printed'), printed.join('\n'));
  const written = [...filesBelow(directory)];
  assert.ok(written.some((path) => path.includes('/namespace/')) && written.some((path) => path.includes('/blob/')));
  for (const path of written) {
    const bytes = readFileSync(path);
    for (const [what, secret] of Object.entries(secrets)) {
      for (const form of formsOf(secret)) assert.not.ok(bytes.includes(form), `${what} is in ${path}`);
    }
  }
});

test.run();
