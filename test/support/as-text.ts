// Decoded values as text, to compare them: byte arrays of either class and bigints in one form, keys in one order.

export function asText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return `[${value.map(asText).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, of]) => `${key}: ${asText(of)}`).join(' ')}}`;
}
