// The twins mount/protocol.ts and native/core/fuse/protocol.h: the same numbers, and records that read back whole.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as protocol from '../../../mount/protocol.ts';
import { inodeNumber, nanoseconds } from '../../../src/base/units.ts';
import type { InodeAttributes } from '../../../src/volume/volume.ts';
import { RequestBuilder } from '../../support/request-builder.ts';

const suiteOf = suite('FUSE protocol');
const header = readFileSync(new URL('../../../native/core/fuse/protocol.h', import.meta.url), 'utf8');

const enumeration = (name: string): Record<string, number> => {
  const body = new RegExp(`enum class ${name} : std::uint16_t \\{([^}]*)\\}`).exec(header)?.[1] ?? '';
  return Object.fromEntries([...body.matchAll(/(\w+) = (\d+)/g)].map(([, key, value]) => [key, Number(value)]));
};
const constant = (name: string): number =>
  Number(new RegExp(`constexpr std::(?:size_t|uint16_t|uint32_t) ${name} = (\\d+)`).exec(header)?.[1]);

const attributes: InodeAttributes = {
  inode: inodeNumber(0x0003_0000_0000_0007n),
  generation: 5,
  mode: 0o100644,
  uid: 1000,
  gid: 4294967294,
  links: 2,
  device: 0x103,
  size: 2n ** 62n,
  blocks: 8n,
  accessed: nanoseconds(-1n),
  modified: nanoseconds(1_700_000_000_123_456_789n),
  changed: nanoseconds(0n),
};

suiteOf('opcodes, kinds and sizes are those of protocol.h', () => {
  assert.equal({ ...protocol.OPCODES }, enumeration('Opcode'));
  assert.equal({ ...protocol.REPLY_KINDS }, enumeration('ReplyKind'));
  assert.is(protocol.RECORD_ALIGNMENT, constant('kRecordAlignment'));
  assert.is(protocol.REQUEST_HEADER_BYTES, constant('kRequestHeaderBytes'));
  assert.is(protocol.REPLY_HEADER_BYTES, constant('kReplyHeaderBytes'));
  assert.is(protocol.ATTRIBUTES_BYTES, constant('kAttributesBytes'));
  assert.is(protocol.STATISTICS_BYTES, constant('kStatisticsBytes'));
  assert.is(protocol.DIRECTORY_ENTRY_BYTES, constant('kDirectoryEntryBytes'));
  assert.is(protocol.READ_WITH_ATTRIBUTES, constant('kReadWithAttributes'));
  assert.is(protocol.READ_IS_KEPT, constant('kReadIsKept'));
  assert.is(protocol.REPLY_KEEP_CACHE, constant('kReplyKeepCache'));
  assert.is(protocol.REPLY_NEW_INODE, constant('kReplyNewInode'));
  assert.is(protocol.REPLY_NAME_MISSING, constant('kReplyNameMissing'));
  assert.is(protocol.SMALL_LISTING_BYTES, constant('kSmallListingBytes'));
  assert.is(protocol.ENTRY_HAS_ATTRIBUTES, constant('kEntryHasAttributes'));
  assert.is(protocol.ENTRY_UNCOUNTED, constant('kEntryUncounted'));
});

suiteOf('a cursor walks a batch and reads names of any bytes', () => {
  const name = Uint8Array.of(0xff, 0x00, 0x41, 0x0a);
  const target = new TextEncoder().encode('../where');
  const batch = new RequestBuilder()
    .request({ opcode: 'lookup', id: 1n, inode: 1n, name })
    .request({ opcode: 'symlink', id: 2n ** 63n, inode: 9n, fields: [target.length, 0], name, trailing: target })
    .build();
  const cursor = new protocol.RequestCursor(batch);
  assert.ok(cursor.next());
  assert.is(cursor.opcode, protocol.OPCODES.lookup);
  assert.equal(cursor.name(), name);
  assert.ok(cursor.next());
  assert.is(cursor.id, 2n ** 63n);
  assert.is(cursor.inode, 9n);
  assert.equal(cursor.name(48), name);
  assert.equal(cursor.trailing(48, cursor.u32(40)), target);
  assert.not.ok(cursor.next());
});

suiteOf('a record that does not fit its batch is a bug, not a read past the end', () => {
  const batch = new RequestBuilder().request({ opcode: 'lookup', id: 1n, inode: 1n, name: new Uint8Array(3) }).build();
  const cursor = new protocol.RequestCursor(batch.subarray(0, batch.length - 8));
  assert.throws(() => cursor.next());
});

suiteOf('attributes are laid out as protocol.h lists them', () => {
  const replies = new protocol.ReplyBatch();
  replies.append(77n, { kind: 'create', attributes, keepCache: true });
  const packed = replies.take();
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  assert.is(packed.length, 24 + 80);
  assert.is(view.getUint32(0, true), packed.length);
  assert.is(view.getUint16(4, true), protocol.REPLY_KINDS.create);
  assert.is(view.getUint16(6, true), protocol.REPLY_KEEP_CACHE);
  assert.is(view.getBigUint64(8, true), 77n);
  assert.is(view.getBigUint64(24, true), attributes.inode);
  assert.is(view.getUint32(24 + 16, true), attributes.mode);
  assert.is(view.getUint32(24 + 28, true), attributes.gid);
  assert.is(view.getBigUint64(24 + 40, true), attributes.size);
  assert.is(view.getBigInt64(24 + 56, true), -1n);
  assert.is(view.getBigInt64(24 + 64, true), attributes.modified);
});

suiteOf('replies are aligned, padded with zeros, and the batch grows', () => {
  const replies = new protocol.ReplyBatch();
  const bytes = new Uint8Array(100_001).fill(7);
  replies.append(1n, { kind: 'error', errno: 2 });
  replies.append(2n, { kind: 'bytes', bytes });
  const packed = replies.take();
  assert.is(packed.length % 8, 0);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  assert.is(view.getUint16(4, true), protocol.REPLY_KINDS.done);
  assert.is(view.getInt32(16, true), 2);
  assert.equal(packed.subarray(48, 48 + bytes.length), bytes);
  assert.ok(packed.subarray(48 + bytes.length).every((byte) => byte === 0));
  assert.ok(replies.isEmpty);
});

suiteOf('directory entries carry attributes or say that no lookup is counted', () => {
  const replies = new protocol.ReplyBatch();
  const dot = { name: Uint8Array.of(0x2e), inode: 1n, mode: 0o040755, nextOffset: 1, attributes: undefined };
  const file = { name: new TextEncoder().encode('twelve bytes'), inode: 7n, mode: 0o100644, nextOffset: 2, attributes };
  replies.append(1n, { kind: 'directory', entries: [dot, file], smallBytes: 88 });
  const packed = replies.take();
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  assert.is(view.getUint32(16, true), 88);
  assert.is(view.getUint32(20, true), 2);
  assert.is(view.getUint16(24 + 10, true), protocol.ENTRY_UNCOUNTED);
  const second = 24 + 24 + 8;
  assert.is(view.getBigUint64(second, true), 2n);
  assert.is(view.getUint16(second + 8, true), 12);
  assert.is(view.getUint16(second + 10, true), protocol.ENTRY_HAS_ATTRIBUTES);
  assert.is(packed.length, second + 24 + 80 + 16);
});

suiteOf.run();
