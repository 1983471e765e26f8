// Takes batches of requests to the operations and their answers back. Invariants: each request is answered exactly
// once; nothing is answered before the journal holds what it changed (docs/design/0001); attributes are answered as
// they are when the answer leaves, so that a content version made later in the batch never makes them stale.
import type { Logger } from '../src/base/clock.ts';
import { isPacketFsError } from '../src/base/errors.ts';
import type { InodeNumber } from '../src/base/units.ts';
import type { FileSystem } from '../src/volume/volume.ts';
import { EIO, ENOSYS, errnoOf } from './errno.ts';
import { InodeGrants } from './inode-grants.ts';
import type { OperationContext } from './operations/context.ts';
import { operationOf } from './operations/table.ts';
import { Walkers } from './operations/walkers.ts';
import { type Reply, ReplyBatch, RequestCursor } from './protocol.ts';

const NO_ANSWER = 0n;

export class Dispatcher {
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  readonly #send: (replies: Uint8Array) => void;
  readonly #context: OperationContext;
  readonly #versioned = new Set<InodeNumber>();
  readonly #replies = new ReplyBatch();
  readonly #waiting = new Set<Promise<void>>();

  constructor(options: {
    fileSystem: FileSystem;
    logger: Logger;
    send: (replies: Uint8Array) => void;
    grantInodes: (first: InodeNumber, count: number) => void;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#logger = options.logger;
    this.#send = options.send;
    this.#context = {
      fileSystem: options.fileSystem,
      logger: options.logger,
      listings: new Map(),
      walkers: new Walkers(),
      grants: new InodeGrants({ fileSystem: options.fileSystem, grant: options.grantInodes }),
      noteVersion: (inode) => this.#versioned.add(inode),
    };
  }

  /** Answers what can be answered at once; the rest follows as its promises settle. */
  dispatch(batch: Uint8Array): void {
    const answers: { id: bigint; reply: Reply }[] = [];
    this.#versioned.clear();
    const request = new RequestCursor(batch);
    while (request.next()) {
      const { id } = request;
      const outcome = this.#perform(request);
      if (outcome instanceof Promise) this.#answerLater(id, outcome);
      else if (id !== NO_ANSWER) answers.push({ id, reply: outcome });
      else if (outcome.kind === 'error') this.#reportUnheard(request, outcome.errno);
    }
    const failure = this.#saveJournal();
    for (const { id, reply } of answers) this.#replies.append(id, failure ?? this.#current(reply));
    this.#sendReplies();
  }

  /** Settles when every request that was dispatched so far has been answered. */
  async idle(): Promise<void> {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting);
  }

  #perform(request: RequestCursor): Reply | Promise<Reply> {
    const found = operationOf(request.opcode);
    if (found === undefined) return { kind: 'error', errno: ENOSYS };
    const [name, operation] = found;
    try {
      const outcome = operation(request, this.#context);
      return outcome instanceof Promise ? outcome.catch((error: unknown) => this.#failure(name, error)) : outcome;
    } catch (error) {
      return this.#failure(name, error);
    }
  }

  #answerLater(id: bigint, outcome: Promise<Reply>): void {
    const answered = outcome.then((reply) => {
      this.#waiting.delete(answered);
      const failure = this.#saveJournal();
      this.#replies.append(id, failure ?? this.#refreshed(reply));
      this.#sendReplies();
    });
    this.#waiting.add(answered);
  }

  /** Nobody waits for it: it was answered before, or needs no answer. */
  #reportUnheard({ opcode, inode }: RequestCursor, errno: number): void {
    this.#logger.error({ opcode, inode, errno }, 'what the session has answered could not be done');
  }

  /** The reply that every waiting request gets when the journal cannot be written. */
  #saveJournal(): Reply | undefined {
    try {
      this.#fileSystem.flushJournal();
      return undefined;
    } catch (error) {
      return this.#failure('flushJournal', error);
    }
  }

  #sendReplies(): void {
    if (!this.#replies.isEmpty) this.#send(this.#replies.take());
  }

  #current(reply: Reply): Reply {
    if (this.#versioned.size === 0 || !('attributes' in reply)) return reply;
    return this.#versioned.has(reply.attributes.inode) ? this.#refreshed(reply) : reply;
  }

  #refreshed(reply: Reply): Reply {
    if (!('attributes' in reply)) return reply;
    try {
      return { ...reply, attributes: this.#fileSystem.getAttributes(reply.attributes.inode) };
    } catch (error) {
      if (isPacketFsError(error, 'PFS_STALE')) return reply; // removed meanwhile: what it was is the last truth
      return this.#failure('getAttributes', error);
    }
  }

  #failure(operation: string, error: unknown): Reply {
    const errno = errnoOf(error);
    if (errno === EIO) this.#logger.error({ operation, error }, 'request failed');
    return { kind: 'error', errno };
  }
}
