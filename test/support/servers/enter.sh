#!/bin/sh
# enter.sh <group> <pid> <program> [arguments]: runs the program inside the machine whose first process has this pid.
set -eu
group=$1 pid=$2
shift 2
for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
  for dir in "$top/$group/payload" "$top/$group"; do
    [ -e "$dir/cgroup.procs" ] || continue
    echo $$ >"$dir/cgroup.procs" && break
  done
done 2>/dev/null
exec nsenter --target "$pid" --all --root --wdns=/ -- "$@"
