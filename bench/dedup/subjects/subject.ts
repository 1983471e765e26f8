// What keeps releases and stores their common bytes once.

export interface Stored {
  /** Lengths of all chunks that it keeps, before any compression. */
  readonly uniqueBytes: number;
  /** How many chunks these are. */
  readonly chunks: number;
  /** What it keeps beside them to give trees and files back, where that is told apart. */
  readonly otherBytes?: number;
}

export interface StoreOptions {
  /** Directories, in the order in which they are put in. */
  readonly releases: readonly string[];
  /** Exists and is empty. */
  readonly directory: string;
  /** Decides where chunks end, for who has no secret of its own. */
  readonly seed: number;
  /** The mean length of what PacketFS stored of these releases; undefined where it was not measured. */
  readonly ownChunkBytes: number | undefined;
}

export interface Subject {
  readonly name: string;
  /** Cuts depend on a number that is chosen anew for each store: it is measured in every round. */
  readonly differs: boolean;
  /** The exact version and options, for the record. */
  readonly describe: () => Promise<string>;
  /** Puts one release after the other into an empty store. */
  readonly store: (options: StoreOptions) => Promise<Stored>;
}
