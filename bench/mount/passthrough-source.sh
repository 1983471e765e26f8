#!/usr/bin/env bash
# Puts passthrough_hp.cc of the installed libfuse3-dev's source package into DIRECTORY: Debian's binary packages carry
# passthrough_ll.c alone. Uses apt's own client with lists of its own, so that the system's stay as they are.
# Usage: passthrough-source.sh DIRECTORY
set -euo pipefail
directory=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache" "$directory"

version=$(dpkg-query -W -f '${source:Version}' libfuse3-dev)
. /etc/os-release
case $ID in
  debian) uri=http://deb.debian.org/debian keyring=/usr/share/keyrings/debian-archive-keyring.gpg component=main ;;
  ubuntu) uri=http://archive.ubuntu.com/ubuntu keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg component=main ;;
  *) echo "passthrough-source: no source packages are known for $ID" >&2; exit 2 ;;
esac
printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' \
  "$uri" "$VERSION_CODENAME" "$component" "$keyring" >"$work/source.sources"
apt=(apt-get -q -o "Dir::Etc::SourceList=$work/source.sources" -o Dir::Etc::SourceParts=-
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
cd "$work"
"${apt[@]}" update >&2
"${apt[@]}" source --download-only "fuse3=$version" >&2
tar -xf fuse3_*.orig.tar.?z --strip-components=2 -C "$directory" --wildcards \
  '*/example/passthrough_hp.cc' '*/example/cxxopts.hpp'
