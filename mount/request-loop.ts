// Takes requests from the session and has them dispatched: woken by the first, it goes on until there is none, for waking
// this thread costs more than most requests do. Messages that need no answer (forget, release) never wake it while it is
// about to look again; what the session has answered itself does (docs/design/0088). Invariant: the event loop gets its turn after LOOP_TURN_MS and what was taken then.
import type { NativeFuseSession } from '../src/addon/native.ts';
import type { Dispatcher } from './dispatcher.ts';

const TARGET_BYTES = 256 * 1024;
/**
 * Promises, timers and the network wait for a stream of requests no longer than this, one wait for the next request (up
 * to another millisecond: native/core/fuse/conversation.h), and what was taken then.
 */
const LOOP_TURN_MS = 1;
/** How long messages that need no answer may wait for a request to join. */
const LOOK_AGAIN_MS = 5;

export class RequestLoop {
  readonly #session: Pick<NativeFuseSession, 'take'>;
  readonly #dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly #monotonicMs: () => number;
  readonly #target = new Uint8Array(TARGET_BYTES);
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: {
    session: Pick<NativeFuseSession, 'take'>;
    dispatcher: Pick<Dispatcher, 'dispatch'>;
    monotonicMs?: () => number;
  }) {
    this.#session = options.session;
    this.#dispatcher = options.dispatcher;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** For the session's wake. */
  run(): void {
    const turnEnds = this.#monotonicMs() + LOOP_TURN_MS;
    this.#armTimer();
    do {
      const length = this.#session.take(this.#target, !this.#ended);
      if (length === 0) return;
      this.#dispatcher.dispatch(this.#target.subarray(0, length));
    } while (this.#monotonicMs() < turnEnds);
    setImmediate(() => this.run());
  }

  /** Dispatches the oldest records of so many bytes, and perhaps some more; not from within a dispatch. */
  drain(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      const length = this.#session.take(this.#target, false);
      if (length === 0) return;
      this.#dispatcher.dispatch(this.#target.subarray(0, length));
      left -= length;
    }
  }

  /** The session has ended: dispatches what is left, and looks no more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.drain(Number.POSITIVE_INFINITY);
  }

  #armTimer(): void {
    if (this.#timer !== undefined || this.#ended) return;
    this.#timer = setTimeout(() => this.#lookAgain(), LOOK_AGAIN_MS);
  }

  #lookAgain(): void {
    this.#timer = undefined;
    const length = this.#session.take(this.#target, false);
    if (length === 0) return;
    this.#dispatcher.dispatch(this.#target.subarray(0, length));
    this.run();
  }
}
