// A file's extents. Few are inline in the inode's record; more are in pages of at most EXTENTS_PER_PAGE, found by an
// index of first offsets, so a small write to a huge file rewrites one page (and the index only when pages split).
import { assert } from '../base/assert.ts';
import { type Extent, extentEnd } from '../extent/extent.ts';
import { allocatedBytes, normaliseRange, splice, truncate } from '../extent/list.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { toWire, unsignedOf } from '../wire/long.ts';
import { type Change, decoded } from './change.ts';
import { KIND, numberKey, pageKey } from './keys.ts';
import { extentsOf, wireExtents } from './records.ts';
import type { ContentState, ExtentPageState, InodeState } from './state.ts';

export const EXTENTS_PER_PAGE = 128;
export const EXTENTS_INLINE_MAX = 16;

type Read = (key: Buffer) => Uint8Array | undefined;

export function loadContent(state: InodeState, read: Read): ContentState {
  if (state.content !== undefined) return state.content;
  const content: ContentState = {
    pages: [],
    nextPage: 0,
    dirtyPages: new Set(),
    removedPages: new Set(),
    indexDirty: false,
  };
  const bytes = state.hasPages ? read(numberKey(KIND.extentIndex, state.inode)) : undefined;
  if (bytes !== undefined) {
    const index = decoded(() => packetfs.ExtentIndex.decode(bytes));
    content.nextPage = index.nextPage;
    content.pages = index.page.map((page, position) => ({
      page,
      first: unsignedOf(index.firstOffset[position]),
      extents: undefined,
    }));
  } else if (state.inlineExtents.length > 0) {
    content.pages = [{ page: content.nextPage++, first: 0n, extents: state.inlineExtents }];
  }
  state.content = content;
  return content;
}

function pageExtents(state: InodeState, page: ExtentPageState, read: Read): readonly Extent[] {
  if (page.extents === undefined) {
    const bytes = read(pageKey(KIND.extentPage, state.inode, page.page));
    page.extents = bytes === undefined ? [] : decoded(() => extentsOf(packetfs.ExtentPage.decode(bytes).extents));
  }
  return page.extents;
}

/** Indexes [from, until) of the pages that may touch [offset, end). */
function pagesTouching(content: ContentState, offset: bigint, end: bigint): { from: number; until: number } {
  const { pages } = content;
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pages[middle]?.first ?? 0n) <= offset) low = middle + 1;
    else high = middle;
  }
  let until = low;
  while (until < pages.length && (pages[until]?.first ?? end) < end) until++;
  return { from: Math.max(0, low - 1), until };
}

/** Covers the range exactly, holes explicit. */
export function readExtents(state: InodeState, range: { offset: bigint; length: bigint }, read: Read): Extent[] {
  // Few extents are in the record itself, and what is only read needs no pages around them.
  if (state.content === undefined && !state.hasPages) {
    return normaliseRange(state.inlineExtents, range.offset, range.length);
  }
  const content = loadContent(state, read);
  const { from, until } = pagesTouching(content, range.offset, range.offset + range.length);
  const all: Extent[] = [];
  for (const page of content.pages.slice(from, until)) all.push(...pageExtents(state, page, read));
  return normaliseRange(all, range.offset, range.length);
}

/** Replaces [offset, offset + length) and returns by how much the allocated bytes grew. */
export function spliceContent(
  state: InodeState,
  change: { readonly offset: bigint; readonly length: bigint; readonly replacement: readonly Extent[] },
  read: Read,
): bigint {
  if (change.length === 0n) return 0n;
  const content = loadContent(state, read);
  const { from, until } = pagesTouching(content, change.offset, change.offset + change.length);
  const before: Extent[] = [];
  for (const page of content.pages.slice(from, until)) before.push(...pageExtents(state, page, read));
  const after = splice(before, change.offset, change.length, change.replacement);
  replacePages(content, { from, until }, after);
  return allocatedBytes(after) - allocatedBytes(before);
}

/** Drops what lies at or after `size`; returns by how much the allocated bytes grew (never above 0). */
export function truncateContent(state: InodeState, size: bigint, read: Read): bigint {
  const content = loadContent(state, read);
  const last = content.pages[content.pages.length - 1];
  if (last === undefined) return 0n;
  const tail = pageExtents(state, last, read);
  const end = tail[tail.length - 1];
  if (last.first < size && (end === undefined || extentEnd(end) <= size)) return 0n;
  const { from } = pagesTouching(content, size, size + 1n);
  const before: Extent[] = [];
  for (const page of content.pages.slice(from)) before.push(...pageExtents(state, page, read));
  const after = truncate(before, size);
  replacePages(content, { from, until: content.pages.length }, after);
  return allocatedBytes(after) - allocatedBytes(before);
}

/** Sets the whole content; returns the allocated bytes. */
export function replaceContent(state: InodeState, extents: readonly Extent[], read: Read): bigint {
  const content = loadContent(state, read);
  replacePages(content, { from: 0, until: content.pages.length }, extents);
  return allocatedBytes(extents);
}

function replacePages(content: ContentState, range: { from: number; until: number }, extents: readonly Extent[]): void {
  const old = content.pages.slice(range.from, range.until);
  const pages: ExtentPageState[] = [];
  // Pages split in halves that have room, so that the next small write does not split again.
  const count = extents.length <= EXTENTS_PER_PAGE ? 1 : Math.ceil(extents.length / (EXTENTS_PER_PAGE / 2));
  const perPage = Math.ceil(extents.length / count);
  for (let start = 0; start < extents.length; start += perPage) {
    const part = extents.slice(start, start + perPage);
    const reused = old[pages.length];
    const page = reused?.page ?? content.nextPage++;
    pages.push({ page, first: part[0]?.offset ?? 0n, extents: part });
  }
  const changed = pages.length !== old.length || pages.some((page, index) => page.first !== old[index]?.first);
  if (changed) content.indexDirty = true;
  for (const { page } of old.slice(pages.length)) {
    content.removedPages.add(page);
    content.dirtyPages.delete(page);
  }
  for (const { page } of pages) {
    content.dirtyPages.add(page);
    content.removedPages.delete(page);
  }
  content.pages.splice(range.from, old.length, ...pages);
}

/** Adds the changed pages to a commit, and moves the extents into or out of the inode's record. */
export function encodeContent(state: InodeState, changes: Change[]): void {
  const { content } = state;
  if (content === undefined) return;
  const wasPaged = state.hasPages;
  if (content.dirtyPages.size > 0 || content.removedPages.size > 0) chooseForm(state, content);
  if (state.hasPages) {
    for (const page of content.pages) {
      if (wasPaged && !content.dirtyPages.has(page.page)) continue;
      assert(page.extents !== undefined, 'a changed page is in memory');
      const value = packetfs.ExtentPage.encode({ extents: wireExtents(page.extents) }).finish();
      changes.push({ type: 'put', key: pageKey(KIND.extentPage, state.inode, page.page), value });
    }
    if (content.indexDirty || !wasPaged) {
      const value = packetfs.ExtentIndex.encode({
        page: content.pages.map(({ page }) => page),
        firstOffset: content.pages.map(({ first }) => toWire(first)),
        nextPage: content.nextPage,
      }).finish();
      changes.push({ type: 'put', key: numberKey(KIND.extentIndex, state.inode), value });
    }
  }
  if (wasPaged) {
    const gone = state.hasPages
      ? content.removedPages
      : new Set([...content.removedPages, ...content.pages.map(({ page }) => page)]);
    for (const page of gone) changes.push({ type: 'del', key: pageKey(KIND.extentPage, state.inode, page) });
    if (!state.hasPages) changes.push({ type: 'del', key: numberKey(KIND.extentIndex, state.inode) });
  }
  content.dirtyPages.clear();
  content.removedPages.clear();
  content.indexDirty = false;
}

function chooseForm(state: InodeState, content: ContentState): void {
  const only = content.pages[0];
  const inline =
    content.pages.length === 0 ||
    (content.pages.length === 1 && (only?.extents?.length ?? Number.POSITIVE_INFINITY) <= EXTENTS_INLINE_MAX);
  state.hasPages = !inline;
  state.inlineExtents = inline ? (only?.extents ?? []) : [];
}
