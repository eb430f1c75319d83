#!/bin/sh
# report.sh <program> [arguments]: the parent of an app's first process.
# It says 128 + n for a program that signal n ended, where the tool outside would say 255 for all, and when the
# first process has ended it ends the others: a sandbox is over then. TERM goes to every process; this one waits.
[ "${1-}" = --unite ] && exec 2>&1 && shift # standard error is for the tool's own notes
trap : HUP INT TERM
"$@"
code=$?
kill -KILL -1 2>/dev/null
exit "$code"
