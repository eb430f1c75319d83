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
