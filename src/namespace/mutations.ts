// Local changes with the rules of POSIX. Each method checks everything first and then cannot fail, so a refused change
// leaves nothing behind. What peers must hear goes to `pending`.
import { type ErrorCode, PacketFsError } from '../base/errors.ts';
import {
  LINK_TARGET_BYTES_MAX,
  LINKS_MAX,
  NAME_BYTES_MAX,
  XATTR_NAME_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
} from '../base/limits.ts';
import { hybridTime, type InodeNumber, type Nanoseconds, ROOT_INODE } from '../base/units.ts';
import { slice } from '../extent/list.ts';
import { loadContent, spliceContent, truncateContent } from './content.ts';
import type {
  AttributesMutation,
  ContentMutation,
  CreateMutation,
  ExtendedMutation,
  NameMutation,
} from './mutation-types.ts';
import type { Pending } from './pending.ts';
import { type InodeState, isDirectory, isFile, type NameLink, nameKey, newState, TYPE_MASK } from './state.ts';
import { assertDirectory, type Found, REMOVAL_PENDING, type Tree, tagsOf } from './tree.ts';
import type { RenameOptions, RenameResult } from './types.ts';

const PERMISSIONS = 0o7777;
const SIZE_LIMIT = 1n << 63n;
const SLASH = 0x2f;
const DOT = 0x2e;

export class Mutator {
  readonly #tree: Tree;
  readonly #pending: () => Pending;

  constructor(tree: Tree, pending: () => Pending) {
    this.#tree = tree;
    this.#pending = pending;
  }

  /** An inode that the caller may know: named, or unlinked and not reaped. */
  live(inode: InodeNumber, code: ErrorCode = 'PFS_STALE'): InodeState {
    const state = this.#tree.store.get(inode);
    if (state === undefined || state.reaped)
      throw new PacketFsError(code, 'The inode does not exist', { facts: { inode } });
    return state;
  }

  parent(inode: InodeNumber): InodeState {
    const state = this.live(inode, 'PFS_NO_ENTRY');
    assertDirectory(state);
    return state;
  }

  create(mutation: CreateMutation, now: Nanoseconds): InodeState {
    const { inode, name, mode, uid, gid, device, target } = mutation;
    const parent = this.#writableParent(mutation.parent);
    if (name !== undefined) this.#freeName(parent, name);
    if ((target?.length ?? 0) > LINK_TARGET_BYTES_MAX)
      fail('PFS_NAME_TOO_LONG', 'The symbolic link target is too long');
    const size = BigInt(target?.length ?? 0);
    const times = { accessed: now, modified: now, changed: now, contentVersion: hybridTime(0n) };
    const state = newState({ inode, mode, uid, gid, links: 0, device, size, allocatedBytes: 0n, ...times, target });
    if (isDirectory(state)) this.#linksLeft(parent);
    this.#tree.store.add(state);
    this.#tree.inodeCount += 1n;
    if (name === undefined) {
      this.#tree.orphan(state);
      return state;
    }
    if (isDirectory(state)) {
      const position: NameLink = { parent: parent.inode, name, stamp: undefined };
      this.#pending().created.set(state, position);
      state.position = position;
      this.#tree.refresh(state);
    } else this.#addLink(state, parent, name);
    this.#changedDirectory(parent, now);
    return state;
  }

  link(mutation: NameMutation, now: Nanoseconds): InodeState {
    const state = this.live(mutation.inode);
    const parent = this.#writableParent(mutation.parent);
    if (isDirectory(state)) fail('PFS_NOT_PERMITTED', 'A directory cannot have a second name');
    this.#freeName(parent, mutation.name);
    if (state.record.links >= LINKS_MAX) fail('PFS_TOO_MANY_LINKS', 'The inode has too many names');
    this.#addLink(state, parent, mutation.name);
    this.#tree.update(state, { changed: now });
    this.#changedDirectory(parent, now);
    return state;
  }

  unlink(mutation: NameMutation, now: Nanoseconds): InodeState {
    const parent = this.parent(mutation.parent);
    const found = this.#existing(parent, mutation.name);
    if (isDirectory(found.state)) fail('PFS_IS_DIRECTORY', 'The name is a directory');
    this.#removeLinks(found, parent);
    this.#tree.update(found.state, { changed: now });
    this.#changedDirectory(parent, now);
    return found.state;
  }

  removeDirectory(mutation: NameMutation, now: Nanoseconds): InodeState {
    const parent = this.parent(mutation.parent);
    const { state } = this.#existing(parent, mutation.name);
    assertDirectory(state);
    if (!this.#tree.isEmpty(state)) fail('PFS_NOT_EMPTY', 'The directory is not empty');
    this.#removeDirectory(state, now);
    this.#changedDirectory(parent, now);
    return state;
  }

  rename(options: RenameOptions, now: Nanoseconds): RenameResult {
    const oldParent = this.parent(options.parent);
    const newParent = this.#writableParent(options.newParent);
    const source = this.#existing(oldParent, options.name);
    checkName(options.newName);
    const target = this.#tree.find(newParent, options.newName);
    this.#checkRename(source.state, target, { oldParent, newParent, flags: options.flags });
    if (target?.state === source.state) return { moved: source.state.record, replaced: undefined };
    const { state } = source;
    if (options.flags === 'exchange' && target !== undefined) {
      this.#detach(source, oldParent);
      this.#detach(target, newParent);
      this.#attach(state, newParent, options.newName);
      this.#attach(target.state, oldParent, options.name);
      this.#tree.update(target.state, { changed: now });
    } else {
      if (target !== undefined) this.#replace(target, newParent, now);
      this.#detach(source, oldParent);
      this.#attach(state, newParent, options.newName);
    }
    this.#tree.update(state, { changed: now });
    this.#changedDirectory(oldParent, now);
    if (newParent !== oldParent) this.#changedDirectory(newParent, now);
    return { moved: state.record, replaced: target?.state.record };
  }

  setAttributes(mutation: AttributesMutation, now: Nanoseconds): InodeState {
    const state = this.live(mutation.inode);
    const { mode, uid, gid, accessed, modified } = mutation.groups;
    this.#tree.update(state, {
      ...(mode === undefined ? {} : { mode: (state.record.mode & TYPE_MASK) | (mode & PERMISSIONS) }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(accessed === undefined ? {} : { accessed }),
      ...(modified === undefined ? {} : { modified }),
      changed: now,
    });
    const pending = this.#pending();
    if (mode !== undefined) pending.touch(state, 'mode');
    if (uid !== undefined || gid !== undefined) pending.touch(state, 'owner');
    if (modified !== undefined) pending.touch(state, 'modified');
    return state;
  }

  setContent(mutation: ContentMutation): InodeState {
    const state = this.live(mutation.inode);
    if (!isFile(state)) fail('PFS_INVALID', 'Only a file has content');
    const { size, modified, replaced, extents } = mutation.change;
    if (size < 0n || size >= SIZE_LIMIT) fail('PFS_FILE_TOO_LARGE', 'The file is too large');
    const read = (key: Buffer) => this.#tree.store.read(key);
    loadContent(state, read);
    let grown = truncateContent(state, size, read);
    for (const { offset, length } of replaced) {
      const last = offset + length;
      // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigints
      const end = last < size ? last : size;
      if (end <= offset) continue;
      const replacement = slice(extents, offset, end - offset);
      grown += spliceContent(state, { offset, length: end - offset, replacement }, read);
    }
    this.#tree.update(state, {
      size,
      allocatedBytes: state.record.allocatedBytes + grown,
      contentVersion: mutation.version,
      ...(modified === undefined ? {} : { modified }),
      // When it was written, not taken; a time that was set since came with a change of its own.
      changed: modified === undefined ? state.record.changed : later(state.record.changed, modified),
    });
    this.#pending().touch(state, 'content', ...(modified === undefined ? [] : (['modified'] as const)));
    return state;
  }

  setExtended(mutation: ExtendedMutation, now: Nanoseconds): void {
    const state = this.live(mutation.inode);
    const { name, value } = mutation;
    if (name.length === 0 || name.length > XATTR_NAME_BYTES_MAX)
      fail('PFS_NAME_TOO_LONG', 'The attribute name has no valid length');
    if ((value?.length ?? 0) > XATTR_VALUE_BYTES_MAX)
      fail('PFS_ATTRIBUTE_TOO_LARGE', 'The attribute value is too large');
    const key = nameKey(name);
    const values = this.#tree.store.extendedForChange(state);
    // What no peer has heard of leaves nothing behind when it goes.
    if (value === undefined && values.get(key)?.stamp === undefined && !state.replicated) values.delete(key);
    else values.set(key, { name: Uint8Array.from(name), value: value && Uint8Array.from(value), stamp: undefined });
    state.hasExtended = values.size > 0;
    state.extendedDirty = true;
    this.#tree.update(state, { changed: now });
    this.#pending().touchExtended(state, key);
  }

  /** Gives a directory that is nowhere a place, whatever its old one was. */
  adoptDirectory(state: InodeState, parent: InodeState, name: Uint8Array): void {
    const to: NameLink = { parent: parent.inode, name: Uint8Array.from(name), stamp: undefined };
    this.#pending().move(state, state.position ?? to, to);
    state.links = [];
    state.position = to;
    this.#tree.refresh(state);
  }

  // ---- parts of a rename

  #checkRename(
    source: InodeState,
    target: Found | undefined,
    where: { oldParent: InodeState; newParent: InodeState; flags: RenameOptions['flags'] },
  ): void {
    const { oldParent, newParent, flags } = where;
    if (flags === 'noreplace' && target !== undefined) fail('PFS_EXISTS', 'The new name exists');
    if (flags === 'exchange' && target === undefined) fail('PFS_NO_ENTRY', 'The name to exchange with does not exist');
    if (isDirectory(source) && this.#tree.closesCycle(source, newParent.inode)) {
      fail('PFS_INVALID', 'A directory cannot be moved into itself');
    }
    const gains = isDirectory(source) && oldParent !== newParent && !(target && isDirectory(target.state));
    if (gains) this.#linksLeft(newParent);
    if (target === undefined || target.state === source) return;
    if (flags === 'exchange') {
      if (isDirectory(target.state) && this.#tree.closesCycle(target.state, oldParent.inode)) {
        fail('PFS_INVALID', 'A directory cannot be moved into itself');
      }
      return;
    }
    if (isDirectory(source)) {
      assertDirectory(target.state);
      if (!this.#tree.isEmpty(target.state)) fail('PFS_NOT_EMPTY', 'The directory to replace is not empty');
    } else if (isDirectory(target.state)) fail('PFS_IS_DIRECTORY', 'The name to replace is a directory');
  }

  #replace(target: Found, parent: InodeState, now: Nanoseconds): void {
    if (isDirectory(target.state)) {
      this.#removeDirectory(target.state, now);
      return;
    }
    this.#removeLinks(target, parent);
    this.#tree.update(target.state, { changed: now });
  }

  #detach(found: Found, parent: InodeState): void {
    if (isDirectory(found.state)) this.#tree.hide(found.state);
    else this.#removeLinks(found, parent);
  }

  #attach(state: InodeState, parent: InodeState, newName: Uint8Array): void {
    const name = Uint8Array.from(newName);
    if (!isDirectory(state)) {
      this.#addLink(state, parent, name);
      return;
    }
    const from = state.position;
    const to: NameLink = { parent: parent.inode, name, stamp: undefined };
    if (from !== undefined) this.#pending().move(state, from, to);
    state.position = to;
    this.#tree.refresh(state);
  }

  // ---- names

  #addLink(state: InodeState, parent: InodeState, name: Uint8Array): void {
    for (const link of this.#pending().addLink(state, parent.inode, Uint8Array.from(name))) {
      this.#tree.addLink(state, link);
    }
  }

  #removeLinks(found: Found, parent: InodeState): void {
    for (const link of tagsOf(found.state, parent.inode, found.name)) {
      this.#tree.removeLink(found.state, link);
      this.#pending().removeLink(found.state, link);
    }
  }

  #removeDirectory(state: InodeState, now: Nanoseconds): void {
    state.removed = REMOVAL_PENDING;
    this.#pending().removedDirectories.add(state);
    this.#tree.refresh(state);
    this.#tree.update(state, { changed: now });
  }

  #existing(parent: InodeState, name: Uint8Array): Found {
    checkName(name);
    const found = this.#tree.find(parent, name);
    if (found === undefined) throw new PacketFsError('PFS_NO_ENTRY', 'The name does not exist');
    return found;
  }

  #freeName(parent: InodeState, name: Uint8Array): void {
    checkName(name);
    if (this.#tree.find(parent, name) !== undefined) fail('PFS_EXISTS', 'The name exists');
  }

  /** A directory that can take names: one that was removed and is still open cannot. */
  #writableParent(inode: InodeNumber): InodeState {
    const parent = this.parent(inode);
    if (parent.record.links === 0) fail('PFS_NO_ENTRY', 'The directory was removed');
    return parent;
  }

  #linksLeft(parent: InodeState): void {
    if (parent.record.links >= LINKS_MAX) fail('PFS_TOO_MANY_LINKS', 'The directory has too many subdirectories');
  }

  #changedDirectory(parent: InodeState, now: Nanoseconds): void {
    this.#tree.update(parent, { modified: now, changed: now });
    this.#pending().touch(parent, 'modified');
    this.#reassert(parent);
  }

  /** A directory that a peer removed while this node used it, and that is used again, stays: its place is written anew. */
  #reassert(directory: InodeState): void {
    const { position } = directory;
    if (position === undefined || directory.inode === ROOT_INODE || directory.links.length === 0) return;
    if (!this.#tree.isRemoved(directory)) return;
    const to: NameLink = { ...position, stamp: undefined };
    this.#pending().move(directory, position, to);
    directory.position = to;
    directory.links = [to];
    this.#tree.store.touch(directory);
  }
}

const later = (one: Nanoseconds, other: Nanoseconds): Nanoseconds => (one > other ? one : other);

function checkName(name: Uint8Array): void {
  if (name.length > NAME_BYTES_MAX) fail('PFS_NAME_TOO_LONG', 'The name is too long');
  const isDots = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
  if (name.length === 0 || isDots || name.includes(SLASH) || name.includes(0))
    fail('PFS_INVALID', 'The name is not valid');
}

function fail(code: ErrorCode, message: string): never {
  throw new PacketFsError(code, message);
}
