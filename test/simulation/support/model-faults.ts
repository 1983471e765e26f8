// Chances that something of a model volume fails.

export interface ModelFaults {
  /** Of storing a literal: no space. */
  readonly rejectStore: number;
  /** Of a stored chunk to have a flipped bit. */
  readonly flipBit: number;
  /** Of packing a literal: a read error. */
  readonly failPack: number;
  /** Of applying. */
  readonly failApply: number;
}

export const NO_FAULTS: ModelFaults = { rejectStore: 0, flipBit: 0, failPack: 0, failApply: 0 };
