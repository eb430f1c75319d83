#!/bin/sh
# Keeps HAProxy running and rotates its log. The agent starts it, and it survives the agent. A second one ends immediately.
#   proxy-watch.sh STATE_DIR HAPROXY LOG_FILES LOG_FILE_BYTES
# It writes `PID STARTTIME` to watch.pid, haproxy.pid and logger.pid. TERM stops all three.
set -u
state=$1 haproxy=$2 log_files=$3 log_bytes=$4
cd "$state" || exit 1

exec 9>watch.lock
flock -n 9 || exit 0

# identity PID: "PID STARTTIME" while the process runs (not for a zombie).
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

# alive FILE: prints the pid if the process in the file still runs.
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
# Open for reading and writing, so that neither side waits for the other or gets an end of file.
exec 7<>log.fifo

# A logger of a killed watcher would still hold the log folder.
if left=$(alive logger.pid); then kill -TERM "$left"; fi

# In a separate session, because the kernel divides processor time by sessions. The logger must not use the share of HAProxy.
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
    # A killed watcher started it, so it is not our child. Poll instead of wait.
    while [ -z "$stopping" ] && alive haproxy.pid >/dev/null; do sleep 0.3; done
  else
    before=$(date +%s)
    "$haproxy" -W -S "$state/master.sock,mode,600" -f "$state/haproxy.cfg" >&7 2>&1 7>&- 9>&- </dev/null &
    proxy=$!
    record "$proxy" haproxy.pid
    wait "$proxy"
    status=$?
    [ -n "$stopping" ] || echo "watch: haproxy ended with $status" >&7
    # After a long run it restarts immediately. If it cannot start (port busy), there are two tries per second.
    if [ $(($(date +%s) - before)) -ge 2 ]; then delay=0.1; else delay=0.5; fi
  fi
  [ -n "$stopping" ] || sleep "$delay"
done

# It got a signal to end. Requests that do not end are closed after 5 s.
tries=0
while alive haproxy.pid >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -le 50 ] || kill -KILL "$proxy" 2>/dev/null
  sleep 0.1
done
kill -TERM "$logger" 2>/dev/null
rm -f haproxy.pid logger.pid watch.pid
exit 0
