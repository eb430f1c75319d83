#!/bin/sh
# Keeps haproxy running and its log rotating. Started by the agent, outlives it; a second one ends at once.
#   proxy-watch.sh STATE_DIR HAPROXY LOG_FILES LOG_FILE_BYTES
# Leaves `PID STARTTIME` in watch.pid, haproxy.pid and logger.pid. TERM stops all of it.
set -u
state=$1 haproxy=$2 log_files=$3 log_bytes=$4
cd "$state" || exit 1

exec 9>watch.lock
flock -n 9 || exit 0

# identity PID: "PID STARTTIME" while it lives (a zombie does not).
identity() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086 # split into its fields
  set -- "$1" ${stat##*) }
  [ "$2" != Z ] && echo "$1 ${21}"
}

# record PID FILE
record() {
  identity "$1" >"$2.tmp" && mv -f "$2.tmp" "$2"
}

# alive FILE: prints the pid if the process named in it still is that process.
alive() {
  [ -f "$1" ] || return 1
  read -r pid start <"$1" || return 1
  [ "$(identity "$pid")" = "$pid $start" ] && echo "$pid"
}

proxy=
logger=
stopping=
# shellcheck disable=SC2317 # called by the trap
stop() {
  stopping=yes
  [ -z "$proxy" ] || kill -TERM "$proxy" 2>/dev/null
}
trap stop TERM INT
trap '' HUP

record $$ watch.pid
mkdir -p log
[ -p log.fifo ] || { rm -f log.fifo && mkfifo -m 600 log.fifo || exit 1; }
# Open for reading and writing: neither side ever waits for the other or sees its end.
exec 7<>log.fifo

# A logger left by a watcher that was killed would hold the log folder.
if left=$(alive logger.pid); then kill -TERM "$left"; fi

# In a session of its own: the kernel shares a busy machine out by sessions, and haproxy's share is not to pay for its log.
start_logger() {
  (
    child=
    trap 'kill -TERM $child 2>/dev/null; exit 0' TERM
    while :; do
      if command -v s6-log >/dev/null; then
        setsid s6-log -l 8192 "n$log_files" "s$log_bytes" t ./log <log.fifo 7>&- 9>&- &
      elif command -v svlogd >/dev/null; then
        printf 's%s\nn%s\n' "$log_bytes" "$log_files" >log/config
        setsid svlogd -t -l 8192 ./log <log.fifo 7>&- 9>&- &
      else
        cat <log.fifo 7>&- 9>&- >/dev/null &
      fi
      child=$!
      wait "$child"
      sleep 1
    done
  ) 9>&- &
  logger=$!
  record "$logger" logger.pid
}
start_logger

delay=0.1
while [ -z "$stopping" ]; do
  if proxy=$(alive haproxy.pid); then
    # Started by a watcher that was killed: not our child, so look instead of wait.
    while [ -z "$stopping" ] && alive haproxy.pid >/dev/null; do sleep 0.3; done
  else
    before=$(date +%s)
    "$haproxy" -W -S "$state/master.sock,mode,600" -f "$state/haproxy.cfg" >&7 2>&1 7>&- 9>&- </dev/null &
    proxy=$!
    record "$proxy" haproxy.pid
    wait "$proxy"
    status=$?
    [ -n "$stopping" ] || echo "watch: haproxy ended with $status" >&7
    # Right after a good run it starts again at once; one that cannot start (port busy) is tried twice a second.
    if [ $(($(date +%s) - before)) -ge 2 ]; then delay=0.1; else delay=0.5; fi
  fi
  [ -n "$stopping" ] || sleep "$delay"
done

# It was told to end; requests that will not end are cut after 5 s.
tries=0
while alive haproxy.pid >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -le 50 ] || kill -KILL "$proxy" 2>/dev/null
  sleep 0.1
done
kill -TERM "$logger" 2>/dev/null
rm -f haproxy.pid logger.pid watch.pid
exit 0
