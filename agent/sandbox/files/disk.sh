#!/bin/sh
# disk.sh <template> <folder>: makes the folder of a sandbox and mounts its disk there. The template and its copy are sparse files.
set -eu
template=$1 dir=$2
mkdir -p "$dir/disk" "$dir/app" "$dir/root" "$dir/targets" "$dir/lower" "$dir/run" "$dir/secrets"
chmod 0700 "$dir"
cp --sparse=always -- "$template" "$dir/disk.img"
mount -t ext4 -o loop,nosuid,nodev,noatime,noinit_itable,errors=remount-ro -- "$dir/disk.img" "$dir/disk"
mkfifo -m 0600 "$dir/run/output"
