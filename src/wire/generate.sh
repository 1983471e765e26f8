#!/usr/bin/env bash
# Generates src/wire/generated/packetfs.js and .d.ts from packetfs.proto (protobufjs static module, ESM, 64-bit fields
# as Long). Node's ESM resolver wants the file extension in the import of protobufjs/minimal, which pbjs leaves out in
# some releases. The files are written aside and moved, so a running test never sees a half-written module.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
mkdir -p generated
work=$(mktemp -d generated/new.XXXXXX)
trap 'rm -rf "$work"' EXIT
"$root/node_modules/.bin/pbjs" -t static-module -w esm --force-long --no-create --no-verify --no-convert \
  --no-delimited --no-typeurl --no-service -r packetfs -o "$work/packetfs.js" packetfs.proto
sed -i 's#"protobufjs/minimal"#"protobufjs/minimal.js"#' "$work/packetfs.js"
grep -q '"protobufjs/minimal.js"' "$work/packetfs.js" || { echo "pbjs wrote an import this script does not know" >&2; exit 1; }
"$root/node_modules/.bin/pbts" -o "$work/packetfs.d.ts" "$work/packetfs.js" > /dev/null
mv "$work/packetfs.js" "$work/packetfs.d.ts" generated/
