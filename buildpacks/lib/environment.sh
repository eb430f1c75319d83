# shellcheck shell=bash
# Functions for the shipped buildpacks.

# shellcheck source=buildpacks/lib/private-address.sh
source "${BASH_SOURCE[0]%/*}/private-address.sh"

info() { printf '       %s\n' "$*"; }
step() { printf -- '-----> %s\n' "$*"; }
warn() { printf ' !     %s\n' "$*"; }
# die MESSAGE HINT: ends the compile. The builder prints both again at the end of the build.
die() {
  local line
  if [[ -n ${SLIPWAY_SAID-} ]]; then
    printf '%s\n' "$@" >"$SLIPWAY_SAID"
  else
    for line in "$@"; do warn "$line"; done
  fi
  exit 1
}

# Indents the output of a tool. Writes the cause of a failure, if a line names it, to CACHE_DIR.
indent() {
  local line
  rm -f "$CACHE_DIR/cause" "$CACHE_DIR/cause-address"
  while IFS= read -r line || [[ -n $line ]]; do
    printf '       %s\n' "$line"
    if [[ $line =~ $UNREACHABLE ]]; then
      printf 'network\n' >"$CACHE_DIR/cause"
      if [[ $line =~ $ADDRESS ]]; then printf '%s' "${BASH_REMATCH[2]}" >"$CACHE_DIR/cause-address"; fi
    elif [[ $line =~ $LOCK_DIFFERS ]]; then printf 'lockfile\n' >"$CACHE_DIR/cause"; fi
  done
}
# Error texts of npm, yarn, pnpm and pip.
UNREACHABLE='ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|EHOSTUNREACH|ENETUNREACH|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError'
LOCK_DIFFERS='code EUSAGE|[Ll]ockfile needs to be updated|ERR_PNPM_OUTDATED_LOCKFILE|YN0028'
ADDRESS='(ECONNREFUSED|ETIMEDOUT|ECONNRESET|EHOSTUNREACH|ENETUNREACH) ([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+):[0-9]+'

# Ends the compile after a network error with the sentence $1. Builds cannot reach private addresses unless the operator allows it.
die_of_network() {
  local address=''
  [[ -f $CACHE_DIR/cause-address ]] && address=$(<"$CACHE_DIR/cause-address")
  if [[ $address =~ ^(127|169\.254)\. ]]; then
    die "${1%.}: a build cannot reach $address, which is an address of the machine itself." \
      'Give the registry an address in a network: slipway config:set NPM_CONFIG_REGISTRY=https://…'
  fi
  if [[ $address =~ ^$PRIVATE_ADDRESS ]]; then
    die "${1%.}: $address is a private address, and builds may not reach private networks." \
      "The operator of the fleet allows it with: slipway egress:add $address -a ${SLIPWAY_APP:-APP}. Then push again."
  fi
  die "$1" 'Push again. If it fails again, set a registry that the builder can reach: slipway config:set NPM_CONFIG_REGISTRY=https://…'
}

# True if the last tool failed for this cause.
cause_is() { [[ -f $CACHE_DIR/cause && $(<"$CACHE_DIR/cause") == "$1" ]]; }

# Config names that do not reach a build: they would change the programs of the platform or the shell, not the app.
# The first part is Heroku's list. The others have a meaning for every program or for the shell.
KEPT_FROM_BUILDS='PATH|GIT_DIR|GIT_(WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|EXEC_PATH|TEMPLATE_DIR|NAMESPACE)|CPATH|CPPATH|LIBRARY_PATH'
KEPT_FROM_BUILDS+='|LD_[A-Z_]+|LANG|TMPDIR|TMP|TEMP|HOME|SHELL|BUILD_DIR|IFS|ENV|PS4|PWD|OLDPWD|CDPATH|GLOBIGNORE|FUNCNEST|EXECIGNORE'
KEPT_FROM_BUILDS+='|POSIXLY_CORRECT|UID|EUID|PPID|SHELLOPTS|BASH[A-Z_]*|SLIPWAY_[A-Za-z0-9_]*'
# Settings of npm, yarn and pnpm for the folders of their own files. The buildpack sets these.
KEPT_FROM_BUILDS+='|(npm|NPM|pnpm|PNPM)_(config|CONFIG)_(cache|CACHE|prefix|PREFIX|global|GLOBAL|location|LOCATION|(store|STORE)_(dir|DIR))|YARN_(CACHE|GLOBAL)_FOLDER'
# Config names that change how a language runtime starts: for the app's own scripts only, never for a package manager.
LOADERS='NODE_OPTIONS|NODE_PATH|NODE_V8_COVERAGE|NODE_DEBUG|NODE_REPL_[A-Z_]+|NODE_PENDING_DEPRECATION|PYTHON[A-Z0-9_]*|PERL5[A-Z]+|PERLLIB|RUBY(OPT|LIB)'

# Sets APP_ENV: the config of the app as NAME=value. It is never exported into the shell of a buildpack, because a name such
# as CACHE_DIR would replace a variable of the buildpack.
read_app_env() {
  local file name value
  APP_ENV=()
  for file in "$1"/*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && ! $name =~ ^($KEPT_FROM_BUILDS)$ ]] || continue
    IFS= read -r -d '' value <"$file"
    APP_ENV+=("$name=$value")
  done
  return 0
}

# Runs a script of the app with the app's config. The config overrides DEFAULT_ENV, and TOOL_ENV overrides the config.
with_app_env() {
  env -u SLIPWAY_NODE_DIR -u SLIPWAY_SAID -u SLIPWAY_UNPROMISED -u SLIPWAY_REUSED -u SLIPWAY_APP "${DEFAULT_ENV[@]}" "${APP_ENV[@]}" "${TOOL_ENV[@]}" "$@"
}

# Runs a package manager with the config (registries, tokens), except the variables that load other code into it.
with_tool_env() {
  local assignment
  local -a given=()
  for assignment in "${APP_ENV[@]}"; do [[ ${assignment%%=*} =~ ^($LOADERS)$ ]] || given+=("$assignment"); done
  # Each push has a new commit, so the result of an install must not depend on it.
  env -u SOURCE_VERSION -u REQUEST_ID -u SLIPWAY_NODE_DIR -u SLIPWAY_SAID -u SLIPWAY_UNPROMISED -u SLIPWAY_REUSED -u SLIPWAY_APP "${DEFAULT_ENV[@]}" "${given[@]}" "${TOOL_ENV[@]}" "$@"
}
DEFAULT_ENV=() APP_ENV=() TOOL_ENV=()

# One config value, or the default.
config_value() {
  if [[ -f $1/$2 ]]; then printf '%s' "$(<"$1/$2")"; else printf '%s' "$3"; fi
}

# True if the builder mounted this folder from an earlier build with the same key.
is_reused() { [[ :${SLIPWAY_REUSED-}: == *":$1:"* ]]; }

# Tells the builder to keep no layer of this folder, because its content depends on more than its key.
promise_nothing() {
  [[ -z ${SLIPWAY_UNPROMISED-} ]] || printf '%s\n' "$1" >>"$SLIPWAY_UNPROMISED"
}

# Prints a declaration (bin/layers): name $1, folder $2, key $3, shared or owned $4. Keeps the key for check_key.
declare_layer() {
  printf '%s' "$3" >"$CACHE_DIR/declared-${2//\//-}"
  printf '%s\t%s\t%s\t%s\n' "$@"
}

# For bin/compile: compares the key $2 of folder $1 with its declaration. They differ if an earlier buildpack of this build
# changed the source. Then the folder is built again, and no later build reuses it. @return 1 if they differ
check_key() {
  local file=$CACHE_DIR/declared-${1//\//-}
  [[ -f $file && $2 == "$(<"$file")" ]] && return 0
  promise_nothing "$1"
  if is_reused "$1"; then
    rm -rf "${BUILD_DIR:?}/$1"
    SLIPWAY_REUSED=:$SLIPWAY_REUSED:
    SLIPWAY_REUSED=${SLIPWAY_REUSED/":$1:"/:}
  fi
  return 1
}

sha256_of() { sha256sum | cut -c 1-32; }
