#!/bin/sh
# measure.sh <bytes> <entries> [tests of find]: prints the number of entries and of bytes to read in the working folder. A sparse file
# counts in full, and a file with several names once for each name. Folders that the tests match do not count. Stops above a limit.
max_bytes=$1 max_entries=$2
shift 2
[ "$#" -eq 0 ] || set -- "(" "$@" ")" -prune -o
find . "$@" "(" -type f -printf '%s\n' -o -printf '0\n' ")" |
  awk -v bytes="$max_bytes" -v entries="$max_entries" '
    { count += 1; sum += $1 }
    sum > bytes || count > entries { exit }
    END { printf "%.0f %.0f\n", count, sum }'
