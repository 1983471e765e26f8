#!/usr/bin/env bash
# Installs what building and testing PacketFS needs on Debian or Ubuntu: each need is a probe and the package that
# satisfies it, so a second run installs nothing. Where it may not install, it says what is missing and exits 2.
# Usage: setup.sh [build] [test] [fuzz] [programs] [lint] [bench] [link] [compare] [stores]   (default: build)
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
NODE_MAJOR_MIN=20

missing_packages=()
need() { # package, then a probe command
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}
command_exists() { command -v "$1"; }
# Read whole before it is searched: grep -q leaves at the first match, and the writer that is not done yet then fails
# the pipe by its SIGPIPE.
library_exists() { [[ "$(ldconfig -p)" == *"$1 "* ]]; }
netcat_closes() { # OpenBSD's, the one that can end the connection with its input
  command_exists nc && nc -h 2>&1 | grep -q -- -N
}
fuzzer_links() { # by clang, which finds its own release of libFuzzer
  clang++ -x c++ -fsanitize=fuzzer,address,undefined -o /dev/null - <<<'extern "C" int LLVMFuzzerTestOneInput() { return 0; }'
}
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 2
}

command_exists node >/dev/null || fail "Node $NODE_MAJOR_MIN or newer is missing: install it from your distribution or https://nodejs.org, then run make setup again."
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge "$NODE_MAJOR_MIN" ] || fail "Node $(node --version) is too old: PacketFS needs $NODE_MAJOR_MIN or newer."

for group in "${@:-build}"; do
  case $group in
    build)
      command_exists npm >/dev/null || need npm false
      need g++ command_exists g++
      need make command_exists make
      need python3 command_exists python3
      need pkg-config command_exists pkg-config
      need libfuse3-dev pkg-config --exists 'fuse3 >= 3.10'
      if [ "$(uname -m)" = x86_64 ]; then need libipsec-mb-dev test -e /usr/include/intel-ipsec-mb.h; fi
      need libsodium-dev pkg-config --exists libsodium
      need libzstd-dev pkg-config --exists libzstd
      need fuse3 command_exists fusermount3
      need libfuse2 library_exists libfuse.so.2
      need iproute2 command_exists ip
      need nftables command_exists nft
      need rsync command_exists rsync
      need attr command_exists setfattr
      need acl command_exists setfacl
      need zstd command_exists zstd
      # A Node from the distribution keeps its headers, which the addon needs, in a package of its own.
      prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
      if [[ $'\n'"$(dpkg -S "$(readlink -f "$(command -v node)")" 2>/dev/null)" == *$'\n'nodejs:* ]]; then
        need libnode-dev test -e "$prefix/include/node/node_api.h"
      fi
      ;;
    test)
      need fio command_exists fio
      need e2fsprogs command_exists mkfs.ext4
      need git command_exists git
      need sqlite3 command_exists sqlite3
      need xfsprogs command_exists xfs_io
      ;;
    fuzz)
      need clang command_exists clang++
      need libclang-rt-dev fuzzer_links
      ;;
    programs)
      need postgresql test -d /usr/lib/postgresql
      need procps command_exists pgrep
      need stress-ng command_exists stress-ng
      ;;
    bench)
      need bindfs command_exists bindfs
      need gocryptfs command_exists gocryptfs
      need openssh-sftp-server test -x /usr/lib/openssh/sftp-server
      need sshfs command_exists sshfs
      ;;
    link) need iperf3 command_exists iperf3 ;;
    compare)
      need openssh-client command_exists ssh
      need openssh-server test -x /usr/sbin/sshd
      need netcat-openbsd netcat_closes
      need syncthing command_exists syncthing
      need unison command_exists unison
      ;;
    stores)
      need borgbackup command_exists borg
      need casync command_exists casync
      need restic command_exists restic
      ;;
    lint) need clang-format command_exists clang-format ;;
    *) fail "unknown group $group: build, test, fuzz, programs, lint, bench, link, compare or stores" ;;
  esac
done
[ "${#missing_packages[@]}" -gt 0 ] || exit 0

if ! command_exists apt-get >/dev/null; then
  fail "these are missing, and there is no apt-get to install them: ${missing_packages[*]}"
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command_exists sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=(sudo)
  else
    fail "these packages are missing: ${missing_packages[*]}" \
      "this user may not install them; as root: apt-get install ${missing_packages[*]}"
  fi
fi
# Ubuntu 24.04 and Debian 13 renamed libfuse2; which name exists is known once there are package lists.
follow_renames() {
  local index
  for index in "${!missing_packages[@]}"; do
    if [[ ${missing_packages[$index]} == libfuse2* ]]; then
      apt-cache show libfuse2t64 >/dev/null 2>&1 && missing_packages[index]=libfuse2t64 || missing_packages[index]=libfuse2
    fi
  done
}
install_missing() {
  follow_renames
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing_packages[@]}"
}
echo "setup: installing ${missing_packages[*]}"
install_missing >/dev/null 2>&1 || {
  "${as_root[@]}" apt-get update -q || fail "apt-get update failed; these packages are missing: ${missing_packages[*]}"
  install_missing || fail "apt-get could not install: ${missing_packages[*]}"
}
