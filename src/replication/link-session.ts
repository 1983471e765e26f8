// One link to one peer, from Hello to close: decodes and checks what comes, keeps what the peer announced, announces
// what changes here, answers asks. Anything malformed closes the link with the reason (docs/format/wire.md, Messages).
import { unreachable } from '../base/assert.ts';
import { ASK_RANGES_MAX, LITERAL_FRAME_BYTES_MAX } from '../base/limits.ts';
import { outlineOfBatch } from '../wire/batch-outline.ts';
import {
  type AskReason,
  type ControlMessage,
  decodeBlockHeader,
  decodeControl,
  decodeOperations,
  encodeControl,
  PROTOCOL_VERSION,
  type WireLogPositions,
  type WireRange,
} from '../wire/messages.ts';
import { Announcer } from './announcer.ts';
import type { ArrivalSource } from './arrival-queue.ts';
import type { AskTarget } from './ask-target.ts';
import type { ReplicationContext } from './context.ts';
import type { LinkCounters } from './link-counters.ts';
import type { LinkSessionEvents } from './link-session-events.ts';
import { type LogKey, logKey } from './log-name.ts';
import { LogTable } from './log-table.ts';
import { PeerView } from './peer-view.ts';
import type { Channel, FilledRecipe, LogName, PeerLink, PeerLinkEvents, PositionRange } from './ports.ts';
import { Pusher } from './pusher.ts';
import { RangeSet } from './range-set.ts';
import type { Stamp } from './timeline.ts';

export interface LinkSessionOptions {
  readonly context: ReplicationContext;
  readonly link: PeerLink;
  readonly peerKey: string;
  readonly counters: LinkCounters;
  readonly members: () => readonly Uint8Array[];
  readonly events: LinkSessionEvents<LinkSession>;
}

export class LinkSession implements PeerLinkEvents, AskTarget, ArrivalSource {
  readonly peerKey: string;
  readonly counters: LinkCounters;
  readonly view = new PeerView();
  readonly pusher: Pusher;
  readonly lastBlock: Stamp;
  readonly lastProgress: Stamp;
  waitingBytes = 0;
  readonly #context: ReplicationContext;
  readonly #link: PeerLink;
  readonly #logs = new LogTable();
  readonly #announcer: Announcer;
  readonly #members: () => readonly Uint8Array[];
  readonly #events: LinkSessionEvents<LinkSession>;
  #greeted = false;
  #closed = false;
  #blocksReceived = 0;

  constructor(options: LinkSessionOptions) {
    this.#context = options.context;
    this.#link = options.link;
    this.#events = options.events;
    this.#members = options.members;
    this.peerKey = options.peerKey;
    this.counters = options.counters;
    this.lastBlock = options.context.timeline.stamp();
    this.lastProgress = options.context.timeline.stamp();
    this.#announcer = new Announcer({
      context: options.context,
      logs: this.#logs,
      send: (message) => this.#send(message),
    });
    this.pusher = new Pusher({
      context: options.context,
      link: options.link,
      logs: this.#logs,
      view: this.view,
      counters: options.counters,
      unavailable: (ask, ranges) => this.#sendUnavailable(ask, ranges),
    });
  }

  get isGreeted(): boolean {
    return this.#greeted;
  }

  get isReady(): boolean {
    return this.#greeted && this.view.complete && !this.#closed;
  }

  get rttMs(): number {
    return this.#link.smoothedRtt;
  }

  get unacknowledgedBytes(): number {
    return this.#link.unacknowledgedBytes;
  }

  get nextAnnouncementAt(): number | undefined {
    return this.#announcer.dueAt();
  }

  start(): void {
    this.#send({ kind: 'hello', versions: [PROTOCOL_VERSION], mode: this.#context.mode, recipes: true });
    this.sendMembers();
    this.#announcer.announceAll();
  }

  sendMembers(): void {
    this.#send({ kind: 'members', entries: this.#members() });
  }

  /** A commit here, by a local change or an applied batch. */
  committed(): void {
    if (this.#closed) return;
    this.pusher.refresh();
    this.#announcer.announce();
  }

  /** A literal was stored: the peers hear of it soon. */
  stored(): void {
    this.#announcer.soon();
  }

  /** What may be had without the peer's bytes changed. */
  seedsChanged(): void {
    if (!this.#closed) this.#announcer.announce();
  }

  /** What of a recipe's range is held here, and with that what is not. */
  answerRecipe(log: LogName, { range, held, missing }: Omit<FilledRecipe, 'filledBytes'>): void {
    if (this.#closed) return;
    this.#announcer.told(logKey(log), held);
    this.#send({ kind: 'recipe-answer', log: this.#logs.reference(log), range, missing });
  }

  tick(): void {
    if (this.#closed) return;
    this.#announcer.tick();
    this.pusher.tick();
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#finish(reason);
    this.#link.close(reason);
  }

  // ---- asks that go out ------------------------------------------------------------------------------------------------

  ask(ask: { id: number; log: LogName; ranges: readonly PositionRange[]; reason: AskReason }): void {
    const log = this.#logs.reference(ask.log);
    if (ask.reason !== 'repair') this.#announcer.forget(logKey(ask.log), ask.ranges);
    this.#send({ kind: 'ask', ...ask, log, blocksReceived: this.#blocksReceived });
  }

  askOperations(ask: { id: number; log: LogName; from: bigint }): void {
    this.#send({ kind: 'ask-operations', id: ask.id, log: this.#logs.reference(ask.log), from: ask.from });
  }

  // ---- what comes in ---------------------------------------------------------------------------------------------------

  onMessage(channel: Channel, bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#context.timeline.touch(this.lastProgress);
    if (channel === 'operations') this.#onOperations(bytes);
    else this.#onControl(bytes);
    this.#context.wake();
  }

  onBlock(header: Uint8Array, body: Uint8Array): void {
    if (this.#closed) return;
    this.#context.timeline.touch(this.lastProgress);
    this.#context.timeline.touch(this.lastBlock);
    this.#blocksReceived++;
    const decoded = decodeBlockHeader(header);
    if (!decoded.ok) {
      this.#malformed(decoded.reason);
      return;
    }
    if (body.length > LITERAL_FRAME_BYTES_MAX) {
      this.#malformed('literal frame is too long');
      return;
    }
    const { log: reference, start, end, ask, recipe } = decoded.value;
    const log = this.#logs.resolve(reference);
    if (!log) {
      this.#malformed('block of an unknown log');
      return;
    }
    if (this.#logs.learned > this.#announcer.confirmed) this.#announcer.soon();
    if (recipe) {
      this.counters.recipesReceived++;
      this.counters.recipeFrameBytesReceived += body.length;
      const isTaken = this.#events.onRecipe(this, { log, range: { start, end }, frame: body });
      if (!isTaken) this.#malformed('more recipes than the window allows');
      return;
    }
    this.counters.literalsReceived++;
    this.counters.literalRawBytesReceived += end - start;
    this.counters.literalFrameBytesReceived += body.length;
    const taken = this.#events.onLiteral(this, { log, range: { start, end }, frame: body, ask });
    if (!taken) this.#malformed('more literals than the window allows');
  }

  onDrain(): void {
    this.pusher.pump();
    this.#context.wake();
  }

  onClosed(reason: string): void {
    if (!this.#closed) this.#finish(reason);
  }

  #onOperations(bytes: Uint8Array): void {
    const decoded = decodeOperations(bytes, this.#context.compression);
    if (!decoded.ok) {
      this.#malformed(decoded.reason);
      return;
    }
    this.counters.batchMessageBytesReceived += bytes.length;
    for (const batch of decoded.value) {
      const outline = outlineOfBatch(batch);
      if (!outline.ok) {
        this.#malformed(outline.reason);
        return;
      }
      this.counters.batchesReceived++;
      this.#events.onBatch(this, { ...outline.value, bytes: batch });
    }
  }

  #onControl(bytes: Uint8Array): void {
    const decoded = decodeControl(bytes);
    if (!decoded.ok) {
      this.#malformed(decoded.reason);
      return;
    }
    const message = decoded.value;
    if (!this.#greeted && message.kind !== 'hello') {
      this.#malformed(`${message.kind} came before hello`);
      return;
    }
    switch (message.kind) {
      case 'hello':
        this.#onHello(message);
        break;
      case 'members':
        this.#events.onMembers(this, message.entries);
        break;
      case 'positions':
        this.#onPositions(message);
        break;
      case 'ask':
        this.#onAsk(message);
        break;
      case 'ask-operations':
        this.#onAskOperations(message);
        break;
      case 'unavailable':
        this.counters.unavailableReceived++;
        this.#events.onUnavailable(this, message.ask, message.ranges);
        break;
      case 'recipe-answer':
        this.#onRecipeAnswer(message);
        break;
      default:
        unreachable(message, 'every control message has a handler');
    }
  }

  #onHello(message: ControlMessage & { kind: 'hello' }): void {
    if (this.#greeted) {
      this.#malformed('a second hello');
      return;
    }
    if (!message.versions.includes(PROTOCOL_VERSION)) {
      this.close('no version of the protocol in common');
      return;
    }
    this.#greeted = true;
    this.view.recipes = message.recipes;
    this.pusher.peerMode(message.mode);
  }

  #onPositions(message: ControlMessage & { kind: 'positions' }): void {
    if (!this.#logs.confirm(message.confirmedLogs)) {
      this.#malformed('confirms a log that was never named');
      return;
    }
    const keys: LogKey[] = [];
    for (const entry of message.logs) {
      const key = this.#announced(entry);
      if (key === undefined) return;
      keys.push(key);
    }
    if (message.complete && !this.view.complete) {
      this.view.complete = true;
      this.pusher.compared();
    }
    this.view.seeded = message.seeded;
    if (this.#logs.learned > this.#announcer.confirmed) this.#announcer.soon();
    for (const key of keys) this.pusher.announced(key);
    this.#events.onPositions(this);
    this.pusher.pump();
  }

  #announced(entry: WireLogPositions): LogKey | undefined {
    const log = this.#logs.resolve(entry.log);
    if (!log) {
      this.#malformed('positions of an unknown log');
      return undefined;
    }
    const key = logKey(log);
    const { local } = this.#context;
    if (local.isCurrent(key) && entry.applied > local.of(log).applied) {
      this.#context.logger.error(
        { log: key, here: local.of(log).applied, there: entry.applied },
        'peer is ahead of us in our own log',
      );
      this.close(
        'a peer has more of our current log than we have: this state was restored or cloned and needs a new epoch',
      );
      return undefined;
    }
    const { applied, held } = entry;
    const problem = this.view.announce({ log, applied, held, rangesMax: this.#context.bounds.peerRangesMax });
    if (problem !== undefined) {
      this.#malformed(problem);
      return undefined;
    }
    return key;
  }

  #onAsk(message: ControlMessage & { kind: 'ask' }): void {
    this.counters.asksReceived++;
    const log = this.#logs.resolve(message.log);
    if (!log) {
      this.#malformed('ask of an unknown log');
      return;
    }
    const key = logKey(log);
    const asked = RangeSet.of(message.ranges);
    const here = asked.intersection(RangeSet.of(this.#context.volume.durableRanges(log)));
    const notHere = asked.without(here);
    if (!notHere.isEmpty) this.#sendUnavailable(message.id, notHere.ranges());
    const isRepair = message.reason === 'repair';
    if (!isRepair) {
      this.view.of(log).held.removeAll(asked);
      const onTheirWay = message.reason === 'missing' && message.blocksReceived < this.pusher.blocksSent;
      if (onTheirWay) here.removeAll(this.pusher.window.ranges(key));
      else this.pusher.window.forget(key, asked);
    }
    if (here.isEmpty) return;
    const taken = this.pusher.answer({ ask: message.id, log, key, remaining: here, repair: isRepair });
    if (!taken) this.#sendUnavailable(message.id, here.ranges());
  }

  #onAskOperations(message: ControlMessage & { kind: 'ask-operations' }): void {
    this.counters.operationAsksReceived++;
    const log = this.#logs.resolve(message.log);
    if (!log) {
      this.#malformed('ask for operations of an unknown log');
      return;
    }
    this.pusher.serve(log, message.from, message.id);
  }

  #onRecipeAnswer({ log: reference, range, missing }: ControlMessage & { kind: 'recipe-answer' }): void {
    const log = this.#logs.resolve(reference);
    if (!log) {
      this.#malformed('answer to a recipe of an unknown log');
      return;
    }
    const problem = this.pusher.recipeAnswered(log, range, missing);
    if (problem !== undefined) this.#malformed(problem);
  }

  #sendUnavailable(ask: number, ranges: readonly WireRange[]): void {
    this.counters.unavailableSent++;
    for (let index = 0; index === 0 || index < ranges.length; index += ASK_RANGES_MAX) {
      this.#send({ kind: 'unavailable', ask, ranges: ranges.slice(index, index + ASK_RANGES_MAX) });
    }
  }

  #send(message: ControlMessage): void {
    if (!this.#closed) this.#link.sendMessage('control', encodeControl(message));
  }

  #malformed(reason: string): void {
    this.counters.malformed++;
    this.#context.logger.warn({ peer: this.peerKey, reason }, 'malformed message from a peer');
    this.close(`malformed: ${reason}`);
  }

  #finish(reason: string): void {
    this.#closed = true;
    this.pusher.close();
    this.#events.onClosed(this, reason);
  }
}
