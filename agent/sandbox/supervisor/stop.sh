#!/bin/sh
# stop.sh <cgroup> <run dir> <seconds>: ends a sandbox at a shutdown of the machine. It sends TERM to its processes, and KILL after the time
# limit. The tool outside and its init inside get no TERM, because the init would kill all processes.
set -u
cgroup=$1 run=$2 left=$(($3 * 10))

# The processes in the group, at any depth.
processes() {
  pids=
  for file in "$cgroup"/cgroup.procs "$cgroup"/*/cgroup.procs "$cgroup"/*/*/cgroup.procs; do
    [ -e "$file" ] || continue
    while read -r pid; do pids="$pids $pid"; done <"$file"
  done 2>/dev/null
  [ -n "$pids" ]
}

# True for a process in the pid namespace of the sandbox, except its first process. $number is its number there.
is_inside() {
  while read -r key _ inner more; do
    [ "$key" = NSpid: ] || continue
    inner=${more:-$inner}
    number=${inner##*[[:space:]]}
    [ -n "$number" ] && [ "$number" -gt 1 ]
    return
  done <"/proc/$1/status" 2>/dev/null
  return 1
}

processes || exit 0
inside='' first='' least=''
for pid in $pids; do
  is_inside "$pid" || continue
  inside="$inside $pid"
  if [ -z "$least" ] || [ "$number" -lt "$least" ]; then first=$pid least=$number; fi
done
# report.sh first, because it must know of the stop before the first process of the app ends
[ -z "$first" ] || kill -TERM "$first" 2>/dev/null
for pid in $inside; do
  [ "$pid" = "$first" ] || kill -TERM "$pid" 2>/dev/null
done
while processes; do
  [ "$left" -gt 0 ] || break
  left=$((left - 1))
  sleep 0.1
done
processes || exit 0
: >"$run/killed" # the supervisor cannot tell from the tool's exit code
[ ! -e "$cgroup/cgroup.kill" ] || echo 1 >"$cgroup/cgroup.kill"
