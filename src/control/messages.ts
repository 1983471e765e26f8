// One request and one answer per connection, each a line of JSON. A line is bounded, and validated after parsing.
import { join } from 'node:path';
import { isPacketFsError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';
import { type ControlMethod, isControlMethod } from './methods.ts';

export const CONTROL_LINE_BYTES_MAX = 16 * MIB;
export const controlSocketPath = (stateDirectory: string): string => join(stateDirectory, 'control.sock');

export interface ControlRequest {
  readonly method: ControlMethod;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type ControlAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

export function parseRequest(line: string): ControlRequest | undefined {
  const value = parseObject(line);
  if (value === undefined || !isControlMethod(value['method'])) return undefined;
  const parameters = value['parameters'];
  if (typeof parameters !== 'object' || parameters === null) return undefined;
  return { method: value['method'], parameters: { ...parameters } };
}

export function parseAnswer(line: string): ControlAnswer | undefined {
  const value = parseObject(line);
  if (value === undefined) return undefined;
  if ('result' in value) return { result: value['result'] };
  const error = value['error'];
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return undefined;
  return { error: { code: String(error.code), message: String(error.message) } };
}

export function answerForError(error: unknown): ControlAnswer {
  if (isPacketFsError(error)) return { error: { code: error.code, message: error.message } };
  return { error: { code: 'PFS_IO', message: error instanceof Error ? error.message : String(error) } };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined; // the caller answers PFS_PROTOCOL
  }
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}

/** Collects one line from chunks of a socket; undefined until it is whole, an error past the bound. */
export class LineReader {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  push(part: Buffer): string | undefined {
    this.#bytes += part.length;
    if (this.#bytes > CONTROL_LINE_BYTES_MAX) throw new RangeError('control line too long');
    this.#parts.push(part);
    if (!part.includes(0x0a)) return undefined;
    const text = Buffer.concat(this.#parts).toString('utf8');
    return text.slice(0, text.indexOf('\n'));
  }
}
