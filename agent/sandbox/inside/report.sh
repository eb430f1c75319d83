#!/bin/sh
# report.sh <program> [arguments]: the parent of an app's first process.
# It says 128 + n for a program that signal n ended, where the tool outside would say 255 for all. When the first process ends by
# itself, the sandbox is over and the others are killed. After a SIGTERM, which goes to every process, the others have the rest of the
# grace time: the first one may be a wrapper (npm, a shell), and the process with the work in it ends later.
[ "${1-}" = --unite ] && exec 2>&1 && shift # standard error is for the tool's own notes
stopping=''
trap : HUP INT
trap 'stopping=yes' TERM
# The shell says "Terminated" and the like to its standard error. That is not the app's output, so the app has another one.
exec 3>&2 2>/dev/null
(exec "$@" 2>&3 3>&-)
code=$?
# The agent ends the grace time. This limit is longer than any, for an app that sends SIGTERM to all of its own processes.
tries=6000
while [ -n "$stopping" ] && [ "$tries" -gt 0 ] && kill -0 -1; do
  tries=$((tries - 1))
  /bin/sleep 0.1
done
kill -KILL -1
exit "$code"
