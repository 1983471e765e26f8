// A patch of the content store as the change of the namespace that it makes.
import type { ContentPatch } from '../addon/native.ts';
import { nanoseconds } from '../base/units.ts';
import { fromNative } from '../extent/native.ts';
import type { ContentChange } from '../namespace/types.ts';

export function changeOfPatch(patch: ContentPatch): ContentChange {
  const replaced: { offset: bigint; length: bigint }[] = [];
  for (let index = 0; index + 1 < patch.replaced.length; index += 2) {
    replaced.push({ offset: patch.replaced[index] ?? 0n, length: patch.replaced[index + 1] ?? 0n });
  }
  return {
    size: patch.size,
    modified: patch.modified === undefined ? undefined : nanoseconds(patch.modified),
    replaced,
    extents: fromNative(patch.extents),
  };
}
