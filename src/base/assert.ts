// Assertions: a failed one is a bug in PacketFS, never bad input; the daemon stops (STYLE, Errors).

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new AssertionError(sentence);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never, sentence: string): never {
  throw new AssertionError(`${sentence}: ${String(value)}`);
}
