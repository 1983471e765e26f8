// Changes that a mounted session answers itself and hands in a little later (docs/design/0088). Whoever changes the
// namespace without a request of that session, or freezes it, first has all of them done, and keeps the session from more
// until it is through.

export interface PostingSession {
  /** Does what was answered so far, and answers no more by itself. */
  suspend(): void;
  resume(): void;
}

export class Posts {
  readonly #sessions = new Set<PostingSession>();

  subscribe(session: PostingSession): () => void {
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  }

  /** Nested; the result ends it. */
  suspend(): () => void {
    const sessions = [...this.#sessions];
    for (const session of sessions) session.suspend();
    return () => {
      for (const session of sessions) session.resume();
    };
  }
}
