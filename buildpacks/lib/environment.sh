# shellcheck shell=bash
# Helpers of the shipped buildpacks.

info() { printf '       %s\n' "$*"; }
step() { printf -- '-----> %s\n' "$*"; }
warn() { printf ' !     %s\n' "$*"; }
# Says why (a sentence) and what to do (another), and ends the compile. The builder, where there is one, repeats both at its end.
die() {
  local line
  if [[ -n ${SLIPWAY_SAID-} ]]; then
    printf '%s\n' "$@" >"$SLIPWAY_SAID"
  else
    for line in "$@"; do warn "$line"; done
  fi
  exit 1
}

# What a tool prints, in the column of details. Needs CACHE_DIR: leaves there what a line of it tells of the cause.
indent() {
  local line
  rm -f "$CACHE_DIR/cause"
  while IFS= read -r line || [[ -n $line ]]; do
    printf '       %s\n' "$line"
    if [[ $line =~ $UNREACHABLE ]]; then printf 'network\n' >"$CACHE_DIR/cause"
    elif [[ $line =~ $LOCK_DIFFERS ]]; then printf 'lockfile\n' >"$CACHE_DIR/cause"; fi
  done
}
# In the words of npm, yarn, pnpm and pip.
UNREACHABLE='ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|EHOSTUNREACH|ENETUNREACH|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError'
LOCK_DIFFERS='code EUSAGE|[Ll]ockfile needs to be updated|ERR_PNPM_OUTDATED_LOCKFILE|YN0028'
# True when the tool before ended for this cause.
cause_is() { [[ -f $CACHE_DIR/cause && $(<"$CACHE_DIR/cause") == "$1" ]]; }

# Exports the app's config for install and build scripts, but nothing that would break the buildpack itself (Heroku's list).
export_config() {
  local file name
  for file in "$1"/*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    [[ $name =~ ^(PATH|GIT_DIR|CPATH|CPPATH|LD_PRELOAD|LD_LIBRARY_PATH|LIBRARY_PATH|LANG|BUILD_DIR|HOME|IFS|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS4|PWD|OLDPWD|UID|EUID|PPID)$ ]] && continue
    export "$name=$(<"$file")"
  done
}

# One config value, or the default.
config_value() {
  if [[ -f $1/$2 ]]; then printf '%s' "$(<"$1/$2")"; else printf '%s' "$3"; fi
}

# True when the builder mounted this folder from an earlier build with the same key.
is_reused() { [[ :${SLIPWAY_REUSED-}: == *":$1:"* ]]; }

sha256_of() { sha256sum | cut -c 1-32; }
