# shellcheck shell=bash
# The Node runtime of an app. It is a layer that all apps with the same version share. Needs LIB_DIR.
# If the Node of the builder (SLIPWAY_NODE_DIR) satisfies the range, nothing is downloaded.

RUNTIME_PATH=.heroku/node
NODE_ARCH=$HOSTTYPE
[[ $HOSTTYPE == x86_64 ]] && NODE_ARCH=x64
[[ $HOSTTYPE == aarch64 ]] && NODE_ARCH=arm64

# Sets VERSION from a package.json, without starting a process.
read_version() {
  local line
  VERSION=''
  while IFS= read -r line; do
    if [[ $line =~ ^[[:space:]]{0,4}\"version\":[[:space:]]*\"([0-9][^\"]*)\" ]]; then VERSION=${BASH_REMATCH[1]}; return 0; fi
  done 2>/dev/null <"$1"
  return 1
}

# Sets VERSION to the version of the Node of the builder.
read_toolchain_version() {
  VERSION=''
  [[ -n ${SLIPWAY_NODE_DIR-} && -x $SLIPWAY_NODE_DIR/bin/node ]] || return 1
  [[ -f $SLIPWAY_NODE_DIR/package.json ]] && read_version "$SLIPWAY_NODE_DIR/package.json" && return 0
  VERSION=$("$SLIPWAY_NODE_DIR/bin/node" --version)
  VERSION=${VERSION#v}
}

# Sets NPM_FOLDER to the npm of the builder, or else of the stack.
find_npm() {
  for NPM_FOLDER in "${SLIPWAY_NODE_DIR-}/lib/node_modules/npm" /usr/lib/node_modules/npm /usr/share/nodejs/npm; do
    [[ -f $NPM_FOLDER/bin/npm-cli.js ]] && return 0
  done
  NPM_FOLDER=''
  return 1
}

# @return 0 if version $1 is in range $2, 1 if not, 2 if the range is invalid. Common ranges need no process.
satisfies() {
  if [[ $2 =~ ^(\^|~)?v?([0-9]+)(\.[xX*])*$ ]]; then [[ ${1%%.*} == "${BASH_REMATCH[2]}" ]]; return; fi
  if [[ $2 =~ ^\>=\ ?v?([0-9]+)(\.[0xX*])*$ ]]; then ((${1%%.*} >= BASH_REMATCH[1])); return; fi
  awk -v range="$2" -f "$LIB_DIR/semver.awk" <<<"$1" >/dev/null
}

# The Node that runs the npm of the builder. The Node of the app may be too old or too new for it.
platform_node() {
  local program
  for program in "${SLIPWAY_NODE_DIR-}/bin/node" "$(command -v node)" "${RUNTIME_NODE-}"; do
    if [[ -x $program ]]; then printf '%s' "$program"; return 0; fi
  done
  printf node
}

# Runs npm, which knows proxies, certificates and mirrors, and checks the integrity of downloads. It uses the settings of the
# builder and the registry in the config of the app, but never an .npmrc of the app.
run_npm() {
  local registry
  find_npm || die 'This app needs npm, but this builder has no npm.' 'The operator installs it with script/bootstrap on the builder.'
  registry=$(config_value "${ENV_DIR-}" NPM_CONFIG_REGISTRY "$(config_value "${ENV_DIR-}" npm_config_registry '')")
  mkdir -p "$CACHE_DIR/home"
  (
    cd "$CACHE_DIR" || exit 1
    [[ -z $registry ]] || export NPM_CONFIG_REGISTRY=$registry npm_config_registry=$registry
    HOME=$CACHE_DIR/home npm_config_userconfig=/dev/null npm_config_cache=$CACHE_DIR/npm npm_config_update_notifier=false npm_config_fetch_retries=1 \
      exec "$(platform_node)" "$NPM_FOLDER/bin/npm-cli.js" "$@"
  )
}

# Sets NODE_VERSION and NODE_ORIGIN (toolchain, registry) for a range. An invalid range ends the compile.
choose_runtime() {
  local range=$1 status
  if read_toolchain_version; then
    NODE_ORIGIN=toolchain NODE_VERSION=$VERSION
    [[ -z $range ]] && return 0
    satisfies "$NODE_VERSION" "$range"
    status=$?
    ((status == 0)) && return 0
    ((status == 2)) && die "The Node version \"$range\" under engines.node in package.json is not a valid range." \
      'Write a range such as "24.x" or ">=22".'
  fi
  NODE_ORIGIN=registry
  resolve_in_registry "${range:-24.x}"
}

# Older packages have another format, and current versions of npm do not run on them.
OLDEST_NODE_MAJOR=6

resolve_in_registry() {
  local range=$1 versions=$CACHE_DIR/node-all-versions
  remembered_version node "$range" && { NODE_VERSION=$VERSION; return 0; }
  list_versions "node-linux-$NODE_ARCH" "$versions"
  NODE_VERSION=$(awk -F. -v oldest="$OLDEST_NODE_MAJOR" '$1 >= oldest' "$versions" | awk -v range="$range" -f "$LIB_DIR/semver.awk") || node_not_found "$range" "$versions"
  remember_version node "$range" "$NODE_VERSION"
}

node_not_found() {
  local version
  version=$(awk -v range="$1" -f "$LIB_DIR/semver.awk" "$2") &&
    die "Node.js $version is too old: a build can have Node.js $OLDEST_NODE_MAJOR and later (engines.node in package.json is \"$1\")." \
      'Write a range such as "24.x" or ">=22", commit and push again.'
  die "No Node version satisfies \"$1\" (engines.node in package.json)." 'Write a range such as "24.x" or ">=22".'
}

# Sets VERSION to the version that was found for range $2 of program $1 within the last day. @return 1 if there is none
remembered_version() {
  local file=$CACHE_DIR/versions-of-$1
  [[ -f $file && -z $(find "$file" -mmin +1440) ]] || return 1
  VERSION=$(awk -F'\t' -v r="$2" '$1 == r { print $2 }' "$file" | tail -n 1)
  [[ -n $VERSION ]]
}

remember_version() { printf '%s\t%s\n' "$2" "$3" >"$CACHE_DIR/versions-of-$1"; }

# Writes all versions of package $1 to file $2, one per line. If the registry did not answer bin/layers, bin/compile does not ask again.
list_versions() {
  local errors=$CACHE_DIR/view-errors failed=$CACHE_DIR/view-failed
  if [[ ! -f $failed || $(<"$failed") != "$1 ${REQUEST_ID-}" ]]; then
    info "Asking the package registry for the versions of $1" >&2
    rm -f "$failed"
    if run_npm view "$1" versions --json >"$2.json" 2>"$errors"; then
      tr -d '[]", ' <"$2.json" >"$2"
      return 0
    fi
    printf '%s' "$1 ${REQUEST_ID-}" >"$failed"
  fi
  indent <"$errors" >/dev/null
  cause_is network && die_of_network "The versions of $1 could not be read: the package registry cannot be reached ($(first_error "$errors"))."
  die "The versions of $1 could not be read from the package registry ($(first_error "$errors"))."
}

first_error() {
  local line
  line=$(grep -m 1 -E "$UNREACHABLE" "$1") || line=$(head -n 1 "$1")
  printf '%s' "${line:0:200}"
}

# The major version of npm for a major version of Node. Empty if the npm of the builder runs on it.
npm_of_node() {
  case $1 in
    [6-9] | 1[0-4]) printf 6 ;;
    15) printf 7 ;;
    16 | 17) printf 8 ;;
    19) printf 9 ;;
    18 | 2[0-3]) printf 10 ;;
  esac
}

# Sets NPM_VERSION for engines.npm ($1). Empty means the npm of the builder. Needs NODE_VERSION.
choose_npm() {
  local range=$1 status
  NPM_VERSION=''
  if [[ -z $range ]]; then
    [[ $NODE_ORIGIN == registry ]] && range=$(npm_of_node "${NODE_VERSION%%.*}")
    [[ -n $range ]] || return 0
  elif find_npm && read_version "$NPM_FOLDER/package.json" && [[ $NODE_ORIGIN == toolchain ]]; then
    satisfies "$VERSION" "$range" && return 0
  fi
  remembered_version npm "$range" && { NPM_VERSION=$VERSION; return 0; }
  list_versions npm "$CACHE_DIR/npm-all-versions"
  NPM_VERSION=$(awk -v range="$range" -f "$LIB_DIR/semver.awk" "$CACHE_DIR/npm-all-versions")
  status=$?
  ((status == 0)) || die "No npm version satisfies \"$range\" (engines.npm in package.json)." 'Write a range such as "11.x", or remove engines.npm.'
  remember_version npm "$range" "$NPM_VERSION"
}

# Sets RUNTIME_KEY, which decides the content of the runtime folder.
describe_runtime() {
  VERSION=${NPM_VERSION:-none}
  if [[ -z ${NPM_VERSION-} ]] && find_npm; then read_version "$NPM_FOLDER/package.json" || VERSION=unknown; fi
  # shellcheck disable=SC2034 # the script that sources this file reads it
  RUNTIME_KEY="node $NODE_VERSION $NODE_ARCH npm $VERSION${EXTRA_TOOLS:+ $EXTRA_TOOLS}"
}

# Copies the runtime into BUILD_DIR, unless the builder mounted it.
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
  run_npm pack --silent --pack-destination "$CACHE_DIR/node-fetch" "$package@$NODE_VERSION" >/dev/null ||
    die "Node.js $NODE_VERSION could not be downloaded from the registry."
  tar -xzf "$CACHE_DIR"/node-fetch/*.tgz -C "$CACHE_DIR/node-fetch" --no-same-owner package/bin/node ||
    die "The package of Node.js $NODE_VERSION could not be unpacked."
  chmod 755 "$CACHE_DIR/node-fetch/package/bin/node"
  mv "$CACHE_DIR/node-fetch/package" "$folder"
  rm -rf "$CACHE_DIR/node-fetch"
}

provide_npm() {
  local target=$1
  if [[ -n ${NPM_VERSION-} ]]; then fetch_npm "$target"
  elif find_npm; then cp -RL "$NPM_FOLDER" "$target/lib/node_modules/npm"
  else return 0; fi
  rm -rf "$target/lib/node_modules/npm/docs" "$target/lib/node_modules/npm/man"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$target/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$target/bin/npx"
}

# npm is a package that contains all its dependencies.
fetch_npm() {
  local folder=$CACHE_DIR/npm-fetch
  info "Downloading npm $NPM_VERSION"
  rm -rf "$folder"
  mkdir -p "$folder"
  run_npm pack --silent --pack-destination "$folder" "npm@$NPM_VERSION" >/dev/null || die "npm $NPM_VERSION could not be downloaded from the registry."
  if ! tar -xzf "$folder"/*.tgz -C "$folder" --no-same-owner || [[ ! -f $folder/package/bin/npm-cli.js ]]; then die "The package of npm $NPM_VERSION could not be unpacked."; fi
  chmod 755 "$folder/package/bin/npm-cli.js" "$folder/package/bin/npx-cli.js"
  cp -R "$folder/package" "$1/lib/node_modules/npm"
  rm -rf "$folder"
}
