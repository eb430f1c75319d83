#!/bin/sh
# make-kernel.sh <sources, a .tar.xz> <options> <target>: builds Linux in user mode, a program that is a whole kernel (some minutes).
# Debian's own, in the package user-mode-linux, has neither the inet tables of nftables nor room for the registers of new processors.
set -eu
sources=$1 options=$2 target=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xJf "$sources" -C "$work" --strip-components=1
cd "$work"
# Bytes of a process's floating point registers. Linux 6.1 expects at most those of AVX-512; AMX has 8 KB more.
sed -i 's/HOST_FP_SIZE, 2696/HOST_FP_SIZE, 11264/' arch/x86/um/user-offsets.c
make -s ARCH=um KCONFIG_ALLCONFIG="$options" allnoconfig
# The configuration leaves out an option that lacks another one, and does not say so.
missing=$(grep '^CONFIG' "$options" | grep -vxFf .config) || :
[ -z "$missing" ] || { printf 'The kernel cannot have: %s\n' "$missing" >&2; exit 1; }
make -s ARCH=um -j"$(nproc)" vmlinux
install -m 0755 vmlinux "$target"
