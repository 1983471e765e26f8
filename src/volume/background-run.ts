// Long work on a volume: one run at a time, in the background, cut short when the volume is closed; its last state stays
// for whoever asks.
import { PacketFsError } from '../base/errors.ts';

export class BackgroundRun<State extends { readonly state: string }> {
  #state: State;
  #running: Promise<void> = Promise.resolve();
  #abort = new AbortController();

  constructor(never: State) {
    this.#state = never;
  }

  get state(): State {
    return this.#state;
  }

  /** How far the run is, or how it ended. */
  note(state: State): void {
    this.#state = state;
  }

  /** Begins a run, which must not reject; while one runs, that one goes on and its state is given. */
  start(started: State, run: (signal: AbortSignal) => Promise<void>): State {
    if (this.#state.state === 'running') return this.#state;
    this.#state = started;
    this.#abort = new AbortController();
    this.#running = run(this.#abort.signal);
    return this.#state;
  }

  /** Resolves with the outcome when nothing is running. */
  async finished(): Promise<State> {
    await this.#running;
    return this.#state;
  }

  async close(): Promise<void> {
    this.#abort.abort(new PacketFsError('PFS_CLOSED', 'the volume was closed'));
    await this.#running;
  }
}
