#!/bin/sh
# Takes a mount away and brings the same state back, for checkers that verify what is left: as an operator would
# (umount, pfs-mount), or after SIGKILL of the daemon.
# Usage: remount.sh mount|remount|kill|unmount STATE DIR [option of pfs-mount]…
set -eu
action=$1 state=$2 directory=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)

case $action in
  remount | unmount) timeout 60 umount "$directory" ;;
  kill)
    kill -KILL "$(cat "$state/lock")"
    timeout 60 umount --lazy "$directory"
    ;;
esac
# The daemon holds this lock until all is saved.
[ "$action" = mount ] || timeout 60 flock "$state/lock" true
[ "$action" = unmount ] || exec node "$root/dist/mount/pfs-mount.js" "$directory" --state "$state" --daemon --daemon-wait 300s "$@"
