#!/bin/sh
# pack-product.sh <product> <node distribution> <list of npm packages> <tar file>: what a server gets, as one tar: the files
# under version control as they are in the working tree, the npm packages needed at run time, and Node.
set -eu
product=$1 node=$2 packages=$3 target=$4

# A tracked file may be deleted in the working tree, an optional package not installed, a part of Node not there.
existing() {
  # shellcheck disable=SC2016
  xargs -0 sh -c 'for path; do [ ! -e "$path" ] || printf "%s\0" "$path"; done' sh
}

cd "$product"
{
  git ls-files -z --cached --others --exclude-standard -- agent buildpacks packaging proto shared package.json
  cat "$packages"
} | existing >"$packages.list"
tar -cf "$target" --owner=0 --group=0 --null --files-from="$packages.list"
cd "$node"
printf '%s\0' bin/node bin/npm bin/npx lib/node_modules/npm include/node | existing >"$packages.list"
tar -rf "$target" --owner=0 --group=0 --transform='flags=rS;s,^,.tools/node/,' --null --files-from="$packages.list"
