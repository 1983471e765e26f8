import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNamespacePair, insideNamespace } from '../../support/namespaces.ts';
import { run, runChecked } from '../../support/process.ts';

const SENDER = `
  const socket = require('dgram').createSocket('udp4');
  socket.send(Buffer.alloc(1000), 7000, process.argv[1], (error) => { socket.close(); process.exitCode = error ? 1 : 0; });
`;

async function sendDatagram(pair: Awaited<ReturnType<typeof createNamespacePair>>): Promise<number | undefined> {
  const [command = '', ...parameters] = insideNamespace(pair.a, [process.execPath, '-e', SENDER, pair.b.address]);
  return (await run(command, parameters)).code;
}

test('the wire counts what one end sends, and nothing else talks on it', async () => {
  const pair = await createNamespacePair();
  try {
    const before = await pair.bytes();
    assert.is(await sendDatagram(pair), 0);
    const after = await pair.bytes();
    const sent = after.fromA - before.fromA;
    // One datagram of 1000 bytes with its headers, and the ARP exchange before it.
    assert.ok(sent >= 1042 && sent <= 1042 + 128, `${sent} bytes`);
    await pair.cut();
    await sendDatagram(pair);
    assert.is((await pair.bytes()).fromA, after.fromA);
    await pair.restore();
  } finally {
    await pair.remove();
  }
  assert.not.match(await runChecked('ip', ['netns', 'list']), pair.a.name);
});

test.run();
