// What a directory should hold after each operation of a script. A file has its published content (what was closed or
// synced last) and drafts: what it held after each write since. A crash may leave any of them, and nothing else.
import type { Operation, Slice } from './operations.ts';

export interface FileNode {
  readonly kind: 'file';
  published: Buffer;
  drafts: Buffer[];
  mode: number;
  attribute: string;
  /** Paths that name it. */
  readonly names: Set<string>;
}

export interface DirectoryNode {
  readonly kind: 'directory';
}

export interface LinkNode {
  readonly kind: 'symlink';
  readonly target: string;
}

export type Node = FileNode | DirectoryNode | LinkNode;

const NEW_FILE_MODE = 0o644;

export class Model {
  readonly #nodes = new Map<string, Node>();
  readonly #slots = new Map<number, FileNode>();
  readonly #pool: Buffer;

  constructor(pool: Buffer) {
    this.#pool = pool;
  }

  clone(): Model {
    const copy = new Model(this.#pool);
    const files = new Map<FileNode, FileNode>();
    for (const [path, node] of this.#nodes) {
      if (node.kind !== 'file') {
        copy.put(path, node);
        continue;
      }
      const file = files.get(node) ?? { ...node, drafts: [...node.drafts], names: new Set<string>() };
      files.set(node, file);
      copy.put(path, file);
    }
    return copy;
  }

  get paths(): IterableIterator<string> {
    return this.#nodes.keys();
  }

  at(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  file(path: string): FileNode {
    const node = this.#nodes.get(path);
    if (node?.kind !== 'file') throw new Error(`the model has no file ${path}`);
    return node;
  }

  slot(number: number): FileNode {
    const file = this.#slots.get(number);
    if (file === undefined) throw new Error(`slot ${number} is not open`);
    return file;
  }

  put(path: string, node: Node): void {
    this.#nodes.set(path, node);
    if (node.kind === 'file') node.names.add(path);
  }

  /** A crash closes every file. */
  closeAll(): void {
    this.#slots.clear();
  }

  /** Gives the paths whose expectation it changed. */
  apply(operation: Operation): string[] {
    switch (operation.kind) {
      case 'create': {
        const file = newFile(Buffer.alloc(0));
        this.put(operation.path, file);
        this.#slots.set(operation.slot, file);
        return [operation.path];
      }
      case 'open':
      case 'append-open':
        this.#slots.set(operation.slot, this.file(operation.path));
        return [];
      case 'pwrite':
        return this.#write(this.slot(operation.slot), operation.offset, operation.slice);
      case 'append': {
        const file = this.slot(operation.slot);
        return this.#write(file, contentOf(file).length, operation.slice);
      }
      case 'ftruncate':
        return this.#draft(this.slot(operation.slot), resized(contentOf(this.slot(operation.slot)), operation.size));
      case 'fsync':
      case 'fdatasync':
        return publish(this.slot(operation.slot));
      case 'close': {
        const file = this.slot(operation.slot);
        this.#slots.delete(operation.slot);
        return publish(file);
      }
      case 'truncate': {
        const file = this.file(operation.path);
        this.#draft(file, resized(contentOf(file), operation.size));
        return publish(file);
      }
      case 'rename':
        return this.#rename(operation.from, operation.to);
      case 'link': {
        const file = this.file(operation.from);
        this.put(operation.to, file);
        return [...file.names];
      }
      case 'symlink':
        this.put(operation.path, { kind: 'symlink', target: operation.target });
        return [operation.path];
      case 'mkdir':
        this.put(operation.path, { kind: 'directory' });
        return [operation.path, parentOf(operation.path)];
      case 'unlink':
        return this.#remove(operation.path);
      case 'rmdir':
        this.#nodes.delete(operation.path);
        return [operation.path, parentOf(operation.path)];
      case 'chmod': {
        const file = this.file(operation.path);
        file.mode = operation.mode;
        return [...file.names];
      }
      case 'setxattr': {
        const file = this.file(operation.path);
        file.attribute = operation.value;
        return [...file.names];
      }
      case 'syncdir':
        return [];
    }
  }

  /** Directories in this one. */
  subdirectories(directory: string): number {
    let count = 0;
    for (const [path, node] of this.#nodes) {
      if (node.kind === 'directory' && path !== directory && parentOf(path) === directory) count += 1;
    }
    return count;
  }

  #write(file: FileNode, offset: number, slice: Slice): string[] {
    const before = contentOf(file);
    const after = resized(before, Math.max(before.length, offset + slice.length));
    this.#pool.copy(after, offset, slice.start, slice.start + slice.length);
    return this.#draft(file, after);
  }

  #draft(file: FileNode, content: Buffer): string[] {
    file.drafts.push(content);
    return [...file.names];
  }

  #remove(path: string): string[] {
    const node = this.#nodes.get(path);
    this.#nodes.delete(path);
    if (node?.kind !== 'file') return [path];
    node.names.delete(path);
    return [path, ...node.names];
  }

  #rename(from: string, to: string): string[] {
    const moved = [...this.#nodes].filter(([path]) => path === from || path.startsWith(`${from}/`));
    const replaced = this.#nodes.get(to);
    const changed = replaced === undefined ? [] : this.#remove(to);
    for (const [path, node] of moved) {
      const target = to + path.slice(from.length);
      this.#nodes.delete(path);
      if (node.kind === 'file') node.names.delete(path);
      this.put(target, node);
      // A rename over makes a version of what takes over the name.
      if (node.kind === 'file' && replaced !== undefined) publish(node);
      changed.push(path, target, ...(node.kind === 'file' ? node.names : []));
    }
    return [...changed, parentOf(from), parentOf(to)];
  }
}

export const newFile = (content: Buffer): FileNode => ({
  kind: 'file',
  published: content,
  drafts: [],
  mode: NEW_FILE_MODE,
  attribute: '',
  names: new Set(),
});

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** What a reader sees while nothing crashes. */
export const contentOf = (file: FileNode): Buffer => file.drafts.at(-1) ?? file.published;

function publish(file: FileNode): string[] {
  file.published = contentOf(file);
  file.drafts = [];
  return [...file.names];
}

function resized(content: Buffer, size: number): Buffer {
  const after = Buffer.alloc(size);
  content.copy(after, 0, 0, Math.min(size, content.length));
  return after;
}
