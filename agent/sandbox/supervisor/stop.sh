#!/bin/sh
# stop.sh <cgroup> <run dir> <seconds>: ends a sandbox as a shutdown of the machine should: TERM to its processes, KILL when the time is
# up. Its supervisor then sees the end. Not to the tool outside, nor to its init inside: that one answers TERM with KILL for all.
set -u
cgroup=$1 run=$2 left=$(($3 * 10))

# The processes in the group, at any depth that a tool makes.
processes() {
  pids=
  for file in "$cgroup"/cgroup.procs "$cgroup"/*/cgroup.procs "$cgroup"/*/*/cgroup.procs; do
    [ -e "$file" ] || continue
    while read -r pid; do pids="$pids $pid"; done <"$file"
  done 2>/dev/null
  [ -n "$pids" ]
}

# True for a process of the sandbox's own pid namespace that is not the first there. Its number there is in $number.
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
# report.sh first: it must know of the stop before the app's first process ends
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
