#!/bin/sh
# boot.sh <group> <arguments of systemd-nspawn>: the machine, in control groups of its own, so that its limits are its own, and one
# write is its power cord.
set -eu
group=$1
shift
own() {
  mkdir -p "$1/$group"
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$1/$group/$file" ] || [ -n "$(cat "$1/$group/$file")" ] || cat "$1/$file" >"$1/$group/$file"
  done
  echo $$ >"$1/$group/cgroup.procs"
}
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
  own /sys/fs/cgroup
else
  for top in /sys/fs/cgroup/*; do own "$top"; done
fi
exec systemd-nspawn "$@"
