#!/bin/sh
# save-oom.sh <oom file> <copy> [...]: keeps the count of out-of-memory kills before the cgroup goes away.
while read -r key value; do
  [ "$key" = oom_kill ] && printf '%s %s\n' "$key" "$value" >"$2"
done <"$1"
exit 0
