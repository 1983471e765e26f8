// The zstd level of literals to one peer (docs/design/0083): the highest at which packing makes bytes faster than the
// link was measured to carry them.

/** How fast each level is beside level 6, roughly; how fast that is here is measured. */
const LEVELS = [
  { level: 9, speed: 0.55 },
  { level: 6, speed: 1 },
  { level: 3, speed: 2.6 },
] as const;
const FASTEST = { level: 1, speed: 4 } as const;
const USUAL_LEVEL = 6;
/** A link that is busy with what packing makes looks as slow as packing: so much faster it must be. */
const MARGIN = 1.25;
const WEIGHT = 0.5;
/** So small a literal is packed in a few milliseconds at any level. */
const SMALL_RAW_BYTES = 256 * 1024;
const SMALL_LEVEL = 9;
/** So much is packed in some ten milliseconds at the usual level. */
const LAST_RAW_BYTES = 1024 * 1024;

export interface PackedLiteral {
  readonly rawBytes: number;
  readonly frame: Uint8Array;
  readonly packMs: number;
}

export class CompressionLevel {
  /** Raw bytes a millisecond at level 6. */
  #speed = 80_000;
  /** Of a frame's bytes to the raw ones. */
  #ratio = 0.3;

  /**
   * For a literal of at most so many raw bytes on a link that carries `rateBytesPerMs`; 0: not known yet. `isLast`: no
   * other waits to be packed, so packing is not what bounds.
   */
  of(
    rawBytes: number,
    { rateBytesPerMs, isLast }: { readonly rateBytesPerMs: number; readonly isLast: boolean },
  ): number {
    if (rawBytes <= SMALL_RAW_BYTES) return SMALL_LEVEL;
    if (rateBytesPerMs === 0 || (isLast && rawBytes <= LAST_RAW_BYTES)) return USUAL_LEVEL;
    const keepsUp = ({ speed }: { readonly speed: number }): boolean =>
      this.#speed * speed * this.#ratio >= MARGIN * rateBytesPerMs;
    return (LEVELS.find(keepsUp) ?? FASTEST).level;
  }

  packed(level: number, { rawBytes, frame, packMs }: PackedLiteral): void {
    const known = LEVELS.find((one) => one.level === level) ?? FASTEST;
    if (rawBytes <= SMALL_RAW_BYTES || packMs <= 0) return;
    this.#speed += WEIGHT * (rawBytes / packMs / known.speed - this.#speed);
    this.#ratio += WEIGHT * (frame.length / rawBytes - this.#ratio);
  }
}
