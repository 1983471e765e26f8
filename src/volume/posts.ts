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
  #suspensions = 0;

  subscribe(session: PostingSession): () => void {
    for (let times = 0; times < this.#suspensions; times += 1) session.suspend();
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  }

  /** Nested; the result ends it. */
  suspend(): () => void {
    const suspended: PostingSession[] = [];
    try {
      for (const session of this.#sessions) {
        session.suspend();
        suspended.push(session);
      }
    } catch (error) {
      for (const session of suspended) session.resume();
      throw error;
    }
    this.#suspensions += 1;
    return () => {
      this.#suspensions -= 1;
      for (const session of this.#sessions) session.resume();
    };
  }
}
