#!/bin/sh
# boot.sh <group> <arguments of systemd-nspawn>: boots the machine in its own control groups, so that it has its own limits, and one write
# cuts its power.
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
