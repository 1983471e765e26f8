#!/usr/bin/env bash
# Puts a built PacketFS in place: the program below PREFIX/lib/packetfs, `pfs` and `pfs-mount` in PREFIX/bin, and the
# mount(8) helpers in HELPERS. Usage: install.sh DESTDIR PREFIX HELPERS (make install gives them).
set -euo pipefail
cd "$(dirname "$0")"
destination=$1 prefix=$2 helpers=$3
# Where /usr is merged, /sbin is a link, and an image must not put a directory over it.
[ "$helpers" != /sbin ] || helpers=$(readlink -f /sbin)
library=$prefix/lib/packetfs
target=$destination$library

# A new release must not inherit files of the old one, and a running daemon keeps what it has open.
rm -rf "$target"
mkdir -p "$target/native/build/Release" "$target/dist" "$destination$prefix/bin" "$destination$helpers"
cp package.json package-lock.json "$target/"
cp -r dist/src dist/mount "$target/dist/"
cp native/build/Release/packetfs.node "$target/native/build/Release/"
cp -rL node_modules "$target/node_modules"
npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error --prefix "$target" >/dev/null

# mount(8) runs its helpers with almost no environment, so the wrappers name Node by its full path.
node=$(command -v node)
wrapper() { # path, module
  printf '#!/bin/sh\nexec "%s" "%s/dist/%s" "$@"\n' "$node" "$library" "$2" >"$1"
  chmod 755 "$1"
}
wrapper "$destination$prefix/bin/pfs" src/cli/pfs.js
wrapper "$destination$prefix/bin/pfs-mount" mount/pfs-mount.js
wrapper "$destination$helpers/mount.pfs" mount/mount-pfs.js
ln -sf mount.pfs "$destination$helpers/mount.fuse.pfs"
echo "installed pfs and pfs-mount in $prefix/bin, mount.pfs in $helpers"
