#!/bin/sh
# report.sh <program> [arguments]: the parent of an app's first process.
# When signal n ended the program, it exits with 128 + n; the tool outside would return 255 for every signal. When the first process ends
# without a stop, the sandbox is over and the others are killed. After a SIGTERM, which goes to every process, the others keep the rest of
# the grace time: the first process may be a wrapper (npm, a shell), and the process that does the work ends later.
[ "${1-}" = --unite ] && exec 2>&1 && shift # standard error is for the tool's own notes
stopping=''
here=/run/slipway/bin
# Starts it with the system call filter of the app. The words of $confine have no spaces.
attach() {
  # shellcheck disable=SC2086
  (exec $confine /usr/bin/perl "$here/attach.pl" /run/slipway/env/attach "$here/start.sh" /run/slipway/env/env /app \
    "$here/dyno.sh" >/dev/null 3>&-) &
}
trap : HUP INT
trap 'stopping=yes' TERM
# The shell writes "Terminated" and similar words to its standard error. They are not output of the app, so the app gets another descriptor.
exec 3>&2 2>/dev/null
if [ "${2-}" = "$here/confine.pl" ]; then
  # The agent sends SIGUSR1 when a user wants to run a command here (attach.pl). A shell runs a trap only while it waits.
  confine="$1 $2 $3 $4"
  trap attach USR1
  (exec "$@" 2>&3 3>&-) &
  app=$!
  wait "$app"
  code=$?
  while kill -0 "$app"; do # a signal ended the wait
    wait "$app"
    code=$?
  done
  wait "$app" # a signal and the end of the app at the same time: the status was not read yet
  again=$?
  [ "$again" = 127 ] || code=$again
else
  (exec "$@" 2>&3 3>&-)
  code=$?
fi
# The agent ends the grace time. This longer limit is for an app that sends SIGTERM to all of its own processes.
tries=6000
while [ -n "$stopping" ] && [ "$tries" -gt 0 ] && kill -0 -1; do
  tries=$((tries - 1))
  /bin/sleep 0.1
done
kill -KILL -1
exit "$code"
