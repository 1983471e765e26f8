// One inode's extents: in order, not overlapping, within the size, each in one segment and held; in pages that its index
// names, keyed by the first offset; and as many stored bytes as the record says.
import { addressLog, HOLE, SEGMENT_BYTES } from '../../base/units.ts';
import { type Extent, extentEnd } from '../../extent/extent.ts';
import { packetfs } from '../../wire/generated/packetfs.js';
import { unsignedOf } from '../../wire/long.ts';
import { EXTENTS_PER_PAGE } from '../content.ts';
import { extentsOf } from '../records.ts';
import { type InodeState, TYPE_FILE, TYPE_MASK } from '../state.ts';
import type { CheckContext, NamespaceFindingCode } from './context.ts';
import type { RawRecord } from './source.ts';

export interface ContentPages {
  readonly index: RawRecord | undefined;
  /** In the order of page numbers. */
  readonly pages: readonly RawRecord[];
}

export interface ContentSeen {
  readonly extents: number;
  readonly storedBytes: bigint;
}

const SEGMENT = BigInt(SEGMENT_BYTES);
/** The last byte of a segment is never used, so that no extent goes on in the next one. */
const SEGMENT_DATA_MAX = SEGMENT - 1n;

type Report = (code: NamespaceFindingCode, detail: string, extent?: Extent) => void;

export function checkContent(context: CheckContext, state: InodeState, pages: ContentPages): ContentSeen {
  const { inode, record } = state;
  const report: Report = (code, detail, extent) => {
    const range = extent === undefined ? {} : { range: { address: extent.address as bigint, length: extent.length } };
    context.report({ code, inode, detail, ...range });
  };
  const content = new ContentCheck(context, record.size, report);
  if (state.hasPages) for (const extents of pagedExtents(context, pages, report)) content.take(extents);
  else content.take(state.inlineExtents);
  if (!state.hasPages && (pages.index !== undefined || pages.pages.length > 0)) {
    report('extent-page', 'it has pages of extents that it does not name');
  }
  if (content.extents > 0 && (record.mode & TYPE_MASK) !== TYPE_FILE) {
    report('inode-fields', 'it has content and is no file');
  }
  if (content.storedBytes !== record.allocatedBytes) {
    report('allocated-bytes', `it says ${record.allocatedBytes} stored bytes, its extents have ${content.storedBytes}`);
  }
  return content;
}

/** Page by page, in the order of the file: a huge file is never in memory as a whole. */
function* pagedExtents(context: CheckContext, given: ContentPages, report: Report): Generator<readonly Extent[]> {
  const byNumber = new Map(given.pages.map((record) => [record[0].readUInt32BE(9), record]));
  const index = decodedRecord(context, given.index, (bytes) => packetfs.ExtentIndex.decode(bytes));
  if (index === undefined) {
    report('extent-page', 'the index of its extent pages is gone');
    return;
  }
  for (const [position, page] of index.page.entries()) {
    const record = byNumber.get(page);
    byNumber.delete(page);
    if (page >= index.nextPage) report('extent-page', `page ${page} has a number that is still to be given`);
    const extents = decodedRecord(context, record, (bytes) => extentsOf(packetfs.ExtentPage.decode(bytes).extents));
    if (extents === undefined) {
      report('extent-page', `page ${page} of its extents is gone`);
      continue;
    }
    const first = unsignedOf(index.firstOffset[position]);
    const begins = extents[0]?.offset;
    if (begins !== first) report('extent-page', `page ${page} begins at ${begins ?? 'nothing'}, not at ${first}`);
    if (extents.length > EXTENTS_PER_PAGE) report('extent-page', `page ${page} has ${extents.length} extents`);
    yield extents;
  }
  for (const page of byNumber.keys()) report('extent-page', `page ${page} is in no index`);
}

/** Undefined where there is no record, or it does not decode, which is reported. */
function decodedRecord<Value>(
  context: CheckContext,
  record: RawRecord | undefined,
  decode: (bytes: Uint8Array) => Value,
): Value | undefined {
  let value: Value | undefined;
  if (record !== undefined) {
    context.attempt(record[0], () => {
      value = decode(record[1]);
    });
  }
  return value;
}

class ContentCheck implements ContentSeen {
  readonly #context: CheckContext;
  readonly #size: bigint;
  readonly #report: Report;
  #end = 0n;
  extents = 0;
  storedBytes = 0n;

  constructor(context: CheckContext, size: bigint, report: Report) {
    this.#context = context;
    this.#size = size;
    this.#report = report;
  }

  take(extents: readonly Extent[]): void {
    for (const extent of extents) {
      this.extents += 1;
      this.#checkPlace(extent);
      this.#end = extentEnd(extent);
      if (extent.address === HOLE) continue;
      this.storedBytes += extent.length;
      const problem = problemOfAddress(this.#context, extent);
      if (problem !== undefined) this.#report(problem.code, `${rangeText(extent)}: ${problem.detail}`, extent);
    }
  }

  #checkPlace(extent: Extent): void {
    if (extent.offset < this.#end) {
      this.#report('extent-order', `${rangeText(extent)} begin before the end of the extent before, ${this.#end}`);
    }
    if (extent.length === 0n) this.#report('extent-bounds', `the extent at ${extent.offset} is empty`);
    if (extentEnd(extent) > this.#size) {
      this.#report('extent-bounds', `${rangeText(extent)} are beyond the size, ${this.#size}`);
    }
  }
}

const rangeText = (extent: Extent): string => `bytes ${extent.offset} to ${extentEnd(extent)}`;

export function problemOfAddress(
  context: CheckContext,
  { address, length }: Extent,
): { readonly code: 'extent-bounds' | 'extent-unresolved'; readonly detail: string } | undefined {
  const text = `0x${address.toString(16)}`;
  if ((address % SEGMENT) + length > SEGMENT_DATA_MAX) {
    return { code: 'extent-bounds', detail: `address ${text} and ${length} bytes leave their segment` };
  }
  if (!context.logs.has(addressLog(address))) {
    return { code: 'extent-unresolved', detail: `no log ${addressLog(address)} of address ${text} is known` };
  }
  if (context.holds(address, length)) return undefined;
  return { code: 'extent-unresolved', detail: `no chunks cover address ${text}` };
}
