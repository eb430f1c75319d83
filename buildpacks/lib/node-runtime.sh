# shellcheck shell=bash
# The Node runtime of an app: a layer of its own, the same for every app that takes the same version.
# Needs LIB_DIR. The builder's own Node (SLIPWAY_NODE_DIR) is used wherever it satisfies the range: no download.

RUNTIME_PATH=.heroku/node
NODE_ARCH=$HOSTTYPE
[[ $HOSTTYPE == x86_64 ]] && NODE_ARCH=x64
[[ $HOSTTYPE == aarch64 ]] && NODE_ARCH=arm64

# Sets VERSION from a package.json, without a process.
read_version() {
  local line
  VERSION=''
  while IFS= read -r line; do
    if [[ $line =~ ^[[:space:]]{0,4}\"version\":[[:space:]]*\"([0-9][^\"]*)\" ]]; then VERSION=${BASH_REMATCH[1]}; return 0; fi
  done 2>/dev/null <"$1"
  return 1
}

# Sets VERSION to that of the builder's own Node.
read_toolchain_version() {
  VERSION=''
  [[ -n ${SLIPWAY_NODE_DIR-} && -x $SLIPWAY_NODE_DIR/bin/node ]] || return 1
  [[ -f $SLIPWAY_NODE_DIR/package.json ]] && read_version "$SLIPWAY_NODE_DIR/package.json" && return 0
  VERSION=$("$SLIPWAY_NODE_DIR/bin/node" --version)
  VERSION=${VERSION#v}
}

# Sets NPM_FOLDER: the builder's toolchain, else the stack's.
find_npm() {
  for NPM_FOLDER in "${SLIPWAY_NODE_DIR-}/lib/node_modules/npm" /usr/lib/node_modules/npm /usr/share/nodejs/npm; do
    [[ -f $NPM_FOLDER/bin/npm-cli.js ]] && return 0
  done
  NPM_FOLDER=''
  return 1
}

# @return 0 when version $1 is in range $2, 1 when not, 2 when the range is not understood. The usual ranges need no process.
satisfies() {
  if [[ $2 =~ ^(\^|~)?v?([0-9]+)(\.[xX*])*$ ]]; then [[ ${1%%.*} == "${BASH_REMATCH[2]}" ]]; return; fi
  if [[ $2 =~ ^\>=\ ?v?([0-9]+)(\.[0xX*])*$ ]]; then ((${1%%.*} >= BASH_REMATCH[1])); return; fi
  awk -v range="$2" -f "$LIB_DIR/semver.awk" <<<"$1" >/dev/null
}

# The app's own runtime once it is there, else the toolchain's, else the stack's.
node_program() {
  local program
  for program in "${RUNTIME_NODE-}" "${SLIPWAY_NODE_DIR-}/bin/node"; do
    if [[ -x $program ]]; then printf '%s' "$program"; return 0; fi
  done
  command -v node || printf node
}

# Through npm: it knows proxies, certificates and mirrors, and verifies the integrity of what it fetches.
run_npm() {
  find_npm || die 'npm is not on this builder, and this app needs it.' 'The operator adds it with script/bootstrap on the builder.'
  "$(node_program)" "$NPM_FOLDER/bin/npm-cli.js" "$@"
}

# Sets NODE_VERSION and NODE_ORIGIN (toolchain, registry) for a range; ends the compile when it makes no sense.
choose_runtime() {
  local range=$1 status
  if read_toolchain_version; then
    NODE_ORIGIN=toolchain NODE_VERSION=$VERSION
    [[ -z $range ]] && return 0
    satisfies "$NODE_VERSION" "$range"
    status=$?
    ((status == 0)) && return 0
    ((status == 2)) && die "The Node version \"$range\" under engines.node in package.json is not understood." \
      'Write a range such as "24.x" or ">=22".'
  fi
  NODE_ORIGIN=registry
  resolve_in_registry "${range:-24.x}"
}

resolve_in_registry() {
  local range=$1 remembered=$CACHE_DIR/node-versions package
  package=node-linux-$NODE_ARCH
  if [[ -f $remembered ]]; then
    NODE_VERSION=$(awk -F'\t' -v r="$range" '$1 == r { print $2 }' "$remembered" | tail -n 1)
    [[ -n $NODE_VERSION && -z $(find "$remembered" -mmin +1440) ]] && return 0
  fi
  npm_config_cache=$CACHE_DIR/npm run_npm view "$package" versions --json 2>"$CACHE_DIR/node-view-errors" | tr -d '[]", ' >"$CACHE_DIR/node-all-versions" ||
    die "The list of Node versions could not be read from the registry: $(tail -n 1 "$CACHE_DIR/node-view-errors")"
  NODE_VERSION=$(awk -v range="$range" -f "$LIB_DIR/semver.awk" "$CACHE_DIR/node-all-versions") ||
    die "No Node version satisfies \"$range\" (engines.node in package.json)." 'Write a range such as "24.x" or ">=22".'
  printf '%s\t%s\n' "$range" "$NODE_VERSION" >"$remembered"
}

# Sets RUNTIME_KEY: what the content of the runtime folder follows from.
describe_runtime() {
  VERSION=none
  find_npm && { read_version "$NPM_FOLDER/package.json" || VERSION=unknown; }
  # shellcheck disable=SC2034 # for those who source this
  RUNTIME_KEY="node $NODE_VERSION $NODE_ARCH npm $VERSION${EXTRA_TOOLS:+ $EXTRA_TOOLS}"
}

# Puts the runtime into BUILD_DIR unless the builder mounted it.
provide_runtime() {
  local target=$BUILD_DIR/$RUNTIME_PATH source=${SLIPWAY_NODE_DIR-}
  RUNTIME_NODE=$target/bin/node
  is_reused "$RUNTIME_PATH" && return 0
  rm -rf "$target"
  mkdir -p "$target/bin" "$target/lib/node_modules"
  [[ $NODE_ORIGIN == registry ]] && { fetch_runtime; source=$CACHE_DIR/node-$NODE_VERSION; }
  if ! cp "$source/bin/node" "$target/bin/node" || ! chmod 755 "$target/bin/node"; then die 'The Node runtime could not be copied.'; fi
  provide_npm "$target"
}

fetch_runtime() {
  local package folder=$CACHE_DIR/node-$NODE_VERSION
  package=node-linux-$NODE_ARCH
  [[ -x $folder/bin/node ]] && return 0
  info "Downloading Node.js $NODE_VERSION"
  rm -rf "$CACHE_DIR"/node-[0-9]* "$CACHE_DIR/node-fetch"
  mkdir -p "$CACHE_DIR/node-fetch"
  (cd "$CACHE_DIR/node-fetch" && npm_config_cache=$CACHE_DIR/npm run_npm pack --silent "$package@$NODE_VERSION" >/dev/null) ||
    die "Node.js $NODE_VERSION could not be fetched from the registry."
  tar -xzf "$CACHE_DIR"/node-fetch/*.tgz -C "$CACHE_DIR/node-fetch" --no-same-owner package/bin/node ||
    die "The package of Node.js $NODE_VERSION could not be unpacked."
  chmod 755 "$CACHE_DIR/node-fetch/package/bin/node"
  mv "$CACHE_DIR/node-fetch/package" "$folder"
  rm -rf "$CACHE_DIR/node-fetch"
}

provide_npm() {
  local target=$1
  find_npm || return 0
  cp -RL "$NPM_FOLDER" "$target/lib/node_modules/npm"
  rm -rf "$target/lib/node_modules/npm/docs" "$target/lib/node_modules/npm/man"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$target/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$target/bin/npx"
}
