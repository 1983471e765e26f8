// What the worker of a crash test does, one line of its script each (crash_worker.cc reads them).

export type Operation =
  | { readonly kind: 'create' | 'open' | 'append-open'; readonly slot: number; readonly path: string }
  | { readonly kind: 'pwrite'; readonly slot: number; readonly offset: number; readonly slice: Slice }
  | { readonly kind: 'append'; readonly slot: number; readonly slice: Slice }
  | { readonly kind: 'ftruncate'; readonly slot: number; readonly size: number }
  | { readonly kind: 'fsync' | 'fdatasync' | 'close'; readonly slot: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename' | 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | { readonly kind: 'unlink' | 'mkdir' | 'rmdir' | 'syncdir'; readonly path: string }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly kind: 'setxattr'; readonly path: string; readonly value: string };

/** Bytes of the pool. */
export interface Slice {
  readonly start: number;
  readonly length: number;
}

/** What returned from one of these is on the disk, and all that was done before. */
export const isSync = (operation: Operation): boolean =>
  operation.kind === 'fsync' || operation.kind === 'fdatasync' || operation.kind === 'syncdir';

export function lineOf(operation: Operation): string {
  switch (operation.kind) {
    case 'pwrite':
      return `pwrite ${operation.slot} ${operation.offset} ${operation.slice.start} ${operation.slice.length}`;
    case 'append':
      return `append ${operation.slot} ${operation.slice.start} ${operation.slice.length}`;
    case 'ftruncate':
      return `ftruncate ${operation.slot} ${operation.size}`;
    case 'create':
    case 'open':
    case 'append-open':
      return `${operation.kind} ${operation.slot} ${operation.path}`;
    case 'fsync':
    case 'fdatasync':
    case 'close':
      return `${operation.kind} ${operation.slot}`;
    case 'truncate':
      return `truncate ${operation.path} ${operation.size}`;
    case 'rename':
    case 'link':
      return `${operation.kind} ${operation.from} ${operation.to}`;
    case 'symlink':
      return `symlink ${operation.target} ${operation.path}`;
    case 'unlink':
    case 'mkdir':
    case 'rmdir':
    case 'syncdir':
      return `${operation.kind} ${operation.path}`;
    case 'chmod':
      return `chmod ${operation.path} ${operation.mode}`;
    case 'setxattr':
      return `setxattr ${operation.path} ${operation.value}`;
  }
}
