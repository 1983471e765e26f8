// Which part of a campaign one run does: volumes have seeds in a row, so a slice is a range of them and the slices of a
// seed together are the whole campaign.

export interface Slice {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export interface SlicePart {
  readonly seed: number;
  readonly cycles: number;
}

/** `2/10`; nothing is the whole. Throws for anything else. */
export function parseSlice(text: string | undefined): Slice {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text ?? '1/1') ?? [];
  const slice = { index: Number(index), count: Number(count) };
  if (!(slice.index >= 1 && slice.index <= slice.count)) throw new Error(`SLICE=${text}: not as in 2/10`);
  return slice;
}

export function partOf(
  campaign: { readonly seed: number; readonly cycles: number; readonly cyclesPerVolume: number },
  slice: Slice,
): SlicePart {
  const { seed, cycles, cyclesPerVolume } = campaign;
  const volumes = Math.ceil(cycles / cyclesPerVolume);
  const before = (slices: number): number => Math.floor((volumes * slices) / slice.count);
  const [first, end] = [before(slice.index - 1), before(slice.index)];
  return { seed: (seed + first) >>> 0, cycles: Math.min(cycles, end * cyclesPerVolume) - first * cyclesPerVolume };
}
