// The only loader of the native addon. It is built in place (native/build), which lies at the same distance from
// src/addon as from dist/src/addon less one folder, so both are looked at.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PacketFsError } from '../base/errors.ts';
import type { NativeModule } from './native.ts';

const BUILT_ADDON = 'native/build/Release/packetfs.node';
const ROOTS = ['../../', '../../../'];

export const native: NativeModule = load();

function load(): NativeModule {
  const candidates = ROOTS.map((root) => fileURLToPath(new URL(root + BUILT_ADDON, import.meta.url)));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new PacketFsError('PFS_NOT_SUPPORTED', 'The native addon is not built: run `make build`.', {
      facts: { path: candidates[0] },
    });
  }
  try {
    return createRequire(import.meta.url)(path) as NativeModule;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PacketFsError('PFS_NOT_SUPPORTED', `The native addon does not load: ${reason}; run \`make build\`.`, {
      cause,
      facts: { path },
    });
  }
}
