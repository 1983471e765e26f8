// The worked example of docs/format/transport.md is what the code makes: a changed byte of the format is noticed here.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeAcknowledgement, writeChunkHeader, writeStreamHeader } from '../../../src/transport/frames.ts';
import { handshakeIdentity, macKeyOf } from '../../../src/transport/handshake.ts';
import { PacketKeys } from '../../../src/transport/packet-keys.ts';
import { hexOf, keyPairOf } from '../../../src/transport/primitives.ts';
import { RangeSet } from '../../../src/transport/range-set.ts';
import { createSodiumAead } from '../../support/sodium-aead.ts';

const test = suite('transport format');

const document = readFileSync(new URL('../../../docs/format/transport.md', import.meta.url), 'utf8');
/** Hexadecimal digits of the code blocks, without spaces and line ends. */
const digits = document.replaceAll(/[^0-9a-f]/g, '');

const documented = (what: string, bytes: Uint8Array): void => {
  const hex = hexOf(bytes);
  assert.ok(digits.includes(hex), `${what} in the document: ${hex.replaceAll(/../g, '$& ')}`);
};

test('the frames of the example', () => {
  const bytes = new Uint8Array(64);
  const ranges = new RangeSet();
  ranges.add(0, 4);
  ranges.add(6, 301);
  documented('ACK', bytes.slice(0, writeAcknowledgement(bytes, { at: 0, end: 64 }, ranges, 2.5)));
  documented('STREAM', bytes.slice(0, writeStreamHeader(bytes, 0, 'operations', 1000)));
  documented('CHUNK', bytes.slice(0, writeChunkHeader(bytes, 0, { id: 7, total: 1_048_578, offset: 1413 })));
});

test('the sealed packet of the example', () => {
  const packet = new Uint8Array(16 + 14 + 16);
  const view = new DataView(packet.buffer);
  packet[0] = 4;
  view.setUint32(4, 0x01020304, true);
  view.setBigUint64(8, 5n, true);
  let at = writeStreamHeader(packet, 16, 'control', 0);
  at += 4;
  packet.set(Buffer.from('hi!'), at);
  view.setUint32(at - 4, 3, true);
  const keys = new PacketKeys({
    suite: 'chacha20-poly1305',
    createAead: createSodiumAead,
    localIndex: 1,
    remoteIndex: 0x01020304,
    sendFrom: 0,
    receiveFrom: 0,
    sendKey: new Uint8Array(32).fill(1),
    receiveKey: new Uint8Array(32).fill(2),
  });
  documented('header', packet.slice(0, 16));
  documented('body', packet.slice(16, 30));
  keys.seal(0, packet, Uint32Array.of(0, 16, 14), BigUint64Array.of(5n));
  documented('sealed', packet);
});

test('the derived keys of the example', () => {
  const keyPair = keyPairOf(new Uint8Array(32).fill(3));
  const volumeSecret = new Uint8Array(32).fill(4);
  const identity = handshakeIdentity({ keyPair, volumeId: new Uint8Array(16).fill(5), volumeSecret });
  documented('public key', keyPair.publicKey);
  documented('mac1 key', macKeyOf(keyPair.publicKey));
  documented('proof key', identity.proofKey);
  documented('binding key', identity.bindingKey);
  documented('prologue', identity.prologue);
});

test.run();
