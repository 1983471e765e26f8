// Every opcode and the operation that answers it.
import { OPCODES, type OpcodeName } from '../protocol.ts';
import { getAttributes, setAttributes, statistics } from './attributes.ts';
import type { Operation } from './context.ts';
import { readDirectory, releaseDirectory } from './directories.ts';
import {
  getExtendedAttribute,
  listExtendedAttributes,
  removeExtendedAttribute,
  setExtendedAttribute,
} from './extended-attributes.ts';
import { create, flush, fsync, open, release, synced } from './files.ts';
import {
  forget,
  link,
  lookup,
  makeDirectory,
  makeNode,
  readLink,
  removeDirectory,
  rename,
  symlink,
  unlink,
} from './names.ts';
import { changedAttributes, created } from './posted.ts';

const OPERATIONS: Readonly<Record<OpcodeName, Operation>> = {
  lookup,
  forget,
  getAttributes,
  setAttributes,
  readLink,
  makeNode,
  makeDirectory,
  symlink,
  unlink,
  removeDirectory,
  link,
  rename,
  open,
  create,
  flush,
  release,
  fsync,
  readDirectory,
  releaseDirectory,
  statistics,
  setExtendedAttribute,
  getExtendedAttribute,
  listExtendedAttributes,
  removeExtendedAttribute,
  synced,
  created,
  changedAttributes,
};

const names = Object.keys(OPCODES) as OpcodeName[];
const byOpcode: (readonly [OpcodeName, Operation])[] = [];
for (const name of names) byOpcode[OPCODES[name]] = [name, OPERATIONS[name]];

/** Undefined for an opcode that the protocol does not have. */
export const operationOf = (opcode: number): readonly [OpcodeName, Operation] | undefined => byOpcode[opcode];
