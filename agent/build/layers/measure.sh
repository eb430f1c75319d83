#!/bin/sh
# measure.sh <bytes> <entries> [tests of find]: prints the entries and bytes of the tree in the working folder, as a program would read
# it: a sparse file in full, a file with many names once for each. Leaves out what the tests match. Stops beyond a limit.
max_bytes=$1 max_entries=$2
shift 2
[ "$#" -eq 0 ] || set -- "(" "$@" ")" -prune -o
find . "$@" "(" -type f -printf '%s\n' -o -printf '0\n' ")" |
  awk -v bytes="$max_bytes" -v entries="$max_entries" '
    { count += 1; sum += $1 }
    sum > bytes || count > entries { exit }
    END { printf "%.0f %.0f\n", count, sum }'
