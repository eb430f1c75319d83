#!/bin/sh
# make-image.sh <folder> <suite> <packages, comma separated> <folder with files to add> [source list]: a Debian with systemd as a tree.
# The tree appears complete or not at all. When it exists, there is nothing to do.
set -eu
target=$1 suite=$2 packages=$3 added=$4
shift 4
[ ! -d "$target" ] || exit 0
work=$(mktemp -d "$(dirname "$target")/making-XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include="$packages" "$suite" "$work/root" "$@"
root=$work/root
cp -R "$added/." "$root/"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
mkdir -p "$root/var/log/journal" # it must outlive a reboot
i=0
while [ "$i" -lt 256 ]; do
  echo "b! /dev/loop$i 0660 root disk - 7:$i"
  i=$((i + 1))
done >"$root/etc/tmpfiles.d/loop-devices.conf"
echo 'c! /dev/loop-control 0660 root disk - 10:237' >>"$root/etc/tmpfiles.d/loop-devices.conf"
systemctl --root="$root" enable systemd-networkd.service limits-are-writable.service >/dev/null 2>&1
# These units are not needed on such a server, and would use its processors during a test.
systemctl --root="$root" mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
  fstrim.timer lxc-net.service lxc.service lxc-monitord.service haproxy.service console-getty.service >/dev/null 2>&1
mv "$root" "$target"
