#!/bin/sh
# supervise.sh <log|pipe> <run dir> <exit file> <log dir> <bytes per log file> <cgroup | env:NAME=VALUE> <oom file> <join dirs>
#   <oom score> <program> [arguments]
#
# The parent process of one sandbox, so that the sandbox does not depend on the agent. It gives the program one pipe for stdout and stderr,
# runs a logger at the other end of the pipe, waits, kills all remaining processes, and writes the exit file atomically.
#   log   a rotating logger reads the pipe; the sandbox survives the agent
#   pipe  the agent reads the pipe; standard input is a pipe from the agent, and the sandbox is killed when it closes
# The pipe is opened for reading and writing, so it always has a reader, and there is no EPIPE while a logger is replaced.
set -u

# The app inherits every open descriptor. 10 is this script. sh can close only one-digit descriptors, bash all.
for fd in /proc/$$/fd/*; do
  fd=${fd##*/}
  [ "$fd" -gt 10 ] && [ -z "${SLIPWAY_FDS_CLOSED-}" ] && [ -x /bin/bash ] || continue
  # shellcheck disable=SC2016
  SLIPWAY_FDS_CLOSED=1 exec /bin/bash --norc --noprofile -c 'for fd in /proc/$$/fd/*; do fd=${fd##*/}
    [ "$fd" -gt 2 ] && eval "exec $fd>&-"
  done; exec /bin/sh "$0" "$@"' "$0" "$@"
done
unset SLIPWAY_FDS_CLOSED
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

mode=$1 run=$2 exit_file=$3 log_dir=$4 log_file_bytes=$5 cgroup=$6 oom_file=$7 join=$8 oom_score=$9
shift 9
umask 022
# dash and bash have these options, and /bin/sh is one of them on all supported machines.
# shellcheck disable=SC3045
ulimit -c 0
# shellcheck disable=SC3045
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
trap : HUP INT TERM # not '': an ignored signal would stay ignored in the app

write_pid() {
  shift 19
  printf '%s %s\n' "$$" "$1" >"$run/pid"
}
logger() {
  while :; do
    if command -v s6-log >/dev/null 2>&1; then
      s6-log -b -p -l 10000 n4 "s$log_file_bytes" t "$log_dir"
    else
      printf 's%s\nn4\n' "$log_file_bytes" >"$log_dir/config" && svlogd -t -l 10000 "$log_dir"
    fi && return 0
    sleep 0.2
  done
}

# The processes of the sandbox: those in its cgroup or, without a cgroup, those with this entry in their environment.
processes() {
  pids=
  case $cgroup in
    env:*)
      for file in $(grep -lzxF -e "${cgroup#env:}" /proc/[0-9]*/environ 2>/dev/null); do
        pid=${file#/proc/}
        pids="$pids ${pid%/environ}"
      done
      [ -n "$pids" ]
      return
      ;;
  esac
  for file in "$cgroup"/cgroup.procs "$cgroup"/*/cgroup.procs "$cgroup"/*/*/cgroup.procs; do
    [ -e "$file" ] || continue
    while read -r pid; do pids="$pids $pid"; done <"$file"
  done 2>/dev/null
  [ -n "$pids" ]
}

# The app has ended only when its cgroup is empty. The tool may end earlier.
kill_cgroup() {
  [ -n "$cgroup" ] || return 0
  while processes; do
    if [ -e "$cgroup/cgroup.kill" ]; then
      echo 1 >"$cgroup/cgroup.kill"
    else
      # shellcheck disable=SC2086
      kill -9 $pids
    fi 2>/dev/null
    sleep 0.01
  done
}

oom_kills() {
  oom=0
  [ -r "$1" ] || return 1
  while read -r key value; do
    [ "$key" = oom_kill ] && oom=$value
  done <"$1"
}

# Which limit was reached: the sandbox's own, or that of a group above it. In the second case all sandboxes together had used up the memory
# of the node. Version 2 counts this for each group. Version 1 has the most memory that the group ever had; the kernel charges some pages at a
# time, so it can stay a little below the limit.
out_of_memory() {
  memory=own
  group=${oom_file%/app/memory.oom_control}
  if [ -r "$group/memory.max_usage_in_bytes" ]; then
    read -r most <"$group/memory.max_usage_in_bytes" && read -r limit <"$group/memory.limit_in_bytes" || return 0
    [ "$((most + 1048576))" -ge "$limit" ] || memory=node
  elif [ -r "$oom_file" ]; then
    while read -r key value; do
      [ "$key $value" = 'oom 0' ] && memory=node
    done <"$oom_file"
  fi
}

logger_pid=''
watch_pid=''
exec 3<>"$run/output"
if [ "$mode" = log ]; then
  (
    exec <"$run/output" 3>&- # not a redirection of the function: sh would keep a copy of 3, and the pipe would never end
    logger
  ) &
  logger_pid=$!
else
  exec 4<&0
  (
    exec <&4 4<&- 3>&-
    while read -r _; do :; done
    : >"$run/killed"
    tries=0
    while :; do # there may be nothing to kill yet: the tool is still setting up
      kill_cgroup
      sleep 0.05
      tries=$((tries + 1))
      [ "$tries" = 20 ] && cgroup=${cgroup%/app} # the tool's own processes too: it may wait for a dead child
    done
  ) &
  watch_pid=$!
fi
exec </dev/null
read -r stat <"/proc/$$/stat"
# shellcheck disable=SC2086
write_pid ${stat##*) } # from here on we are there

# A tool that does not manage its cgroup writes its own messages to standard error. Inside, report.sh joins stdout and stderr of the app.
if [ -n "$join" ]; then
  # shellcheck disable=SC2016
  sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit 70; done
    echo "$2" >/proc/self/oom_score_adj; shift 2; exec "$@"' join "$join" "$oom_score" "$@" >&3 2>>"$run/tool.log" 3>&- 4<&-
else
  (exec "$@" >&3 2>&3 3>&- 4<&-) # what this shell says of its end is for the supervisor's log
fi
code=$?
# After a stop every process has the grace time, not only the first one. With report.sh no process is left here.
while [ -e "$run/stopping" ] && [ ! -e "$run/killed" ] && processes; do sleep 0.1; done
[ -e "$run/killed" ] && code=137 # told by who killed it: a tool may say 1

kill_cgroup
[ -n "$watch_pid" ] && kill "$watch_pid" 2>/dev/null
oom_kills "$run/oom" || oom_kills "$oom_file"
out_of_memory
exec 3>&- # the last writer: the logger reads what is left and ends
while [ -n "$logger_pid" ] && kill -0 "$logger_pid" 2>/dev/null; do wait "$logger_pid"; done
printf '%s %s %s %s\n' "$code" "$oom" "$(date +%s%3N)" "$memory" >"$exit_file.tmp"
mv "$exit_file.tmp" "$exit_file"
