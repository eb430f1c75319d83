#!/bin/sh
# start.sh <file of exports> <folder> <program> [arguments]: the first program in a sandbox.
# The environment comes from a file, because other users can read argv.
unset container container_uuid LXC_NAME NOTIFY_SOCKET SYSTEMD_EXEC_PID USER LOGNAME SHLVL
unset container_host_id container_host_version_id container_host_variant_id container_host_build_id
# shellcheck disable=SC1090 # written for this one sandbox
. "$1" || exit 70
cd "$2" || exit 70
shift 2
unset OLDPWD
exec "$@"
