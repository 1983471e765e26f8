// Why datagrams were dropped, and other rare events, counted by name; `pfs status` shows them.

export const COUNTER_NAMES = [
  'tooShort',
  'badType',
  'malformedHeader',
  'badMac1',
  'rateLimited',
  'overloaded',
  'cookieSent',
  'cookieReceived',
  'badCookie',
  'unknownIndex',
  'badHandshake',
  'badProof',
  'noCommonSuite',
  'staleTimestamp',
  'refusedKey',
  'crossedOpen',
  'answerDropped',
  'badTag',
  'replayed',
  'malformedFrame',
  'pathMoved',
  'pathsAdded',
  'pathsLost',
  'keysRenewed',
  'resetSent',
  'resetReceived',
  'handshakesAccepted',
  'handshakesCompleted',
  'initiationsSent',
  'lateResponse',
  'unknownPath',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

export class Counters {
  readonly #counts = new Map<CounterName, number>(COUNTER_NAMES.map((name) => [name, 0]));

  count(name: CounterName): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  snapshot(): Readonly<Record<CounterName, number>> {
    return Object.fromEntries(this.#counts) as Record<CounterName, number>;
  }
}
