// A link whose other end is the test: records what is sent, hands in what the test makes up.
import { milliseconds } from '../../../src/base/units.ts';
import type { Channel, PeerLink, PeerLinkEvents } from '../../../src/replication/ports.ts';
import {
  type ControlMessage,
  decodeBlockHeader,
  decodeControl,
  decodeOperations,
  encodeControl,
  type WireBlockHeader,
} from '../../../src/wire/messages.ts';
import { markCompression } from './cluster.ts';

export class RecordedLink implements PeerLink {
  readonly peer: Uint8Array;
  readonly smoothedRtt = milliseconds(20);
  unacknowledgedBytes = 0;
  unsentBytes = 0;
  rateBytesPerMs = 0;
  windowBytes = 0;
  readonly control: ControlMessage[] = [];
  readonly batches: Uint8Array[] = [];
  readonly blocks: { readonly header: WireBlockHeader; readonly body: Uint8Array }[] = [];
  closedBecause: string | undefined;
  #events: PeerLinkEvents | undefined;

  constructor(peerNumber: number) {
    this.peer = new Uint8Array(32).fill(peerNumber);
  }

  set events(events: PeerLinkEvents) {
    this.#events = events;
  }

  get events(): PeerLinkEvents {
    if (!this.#events) throw new Error('the link has no events yet');
    return this.#events;
  }

  sendMessage(channel: Channel, bytes: Uint8Array): void {
    if (channel === 'control') this.control.push(valueIn(decodeControl(bytes)));
    else this.batches.push(...valueIn(decodeOperations(bytes, markCompression)));
  }

  sendBlock(header: Uint8Array, body: Uint8Array): void {
    this.blocks.push({ header: valueIn(decodeBlockHeader(header)), body });
  }

  close(reason: string): void {
    this.closedBecause = reason;
  }

  receive(message: ControlMessage): void {
    this.events.onMessage('control', encodeControl(message));
  }

  /** Hello and an empty or given position, so that the session is ready. */
  greet(positions: Partial<ControlMessage & { kind: 'positions' }> = {}): void {
    this.receive({ kind: 'hello', versions: [1], mode: 'two-way', recipes: true });
    this.receive({ kind: 'positions', logs: [], confirmedLogs: 0, complete: true, seeded: false, ...positions });
  }

  sent<Kind extends ControlMessage['kind']>(kind: Kind): (ControlMessage & { kind: Kind })[] {
    return this.control.filter((message): message is ControlMessage & { kind: Kind } => message.kind === kind);
  }
}

function valueIn<Value>(decoded: { ok: true; value: Value } | { ok: false; reason: string }): Value {
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}
