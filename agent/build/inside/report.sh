# shellcheck shell=bash
# What the build tells the pusher (stdout) and the agent (files in RESULT_DIR).

say_step() { printf -- '-----> %s\n' "$*"; }
say() { printf '       %s\n' "$*"; }
warn() { printf ' !     %s\n' "$*"; }

# Marks the start of a step, for the timing line and for "hung while …".
step() { printf '%s\t%s\n' "$EPOCHREALTIME" "$1" >>"$RESULT_DIR/steps"; }

# Ends the build: the kind and its details, one a line, become the agent's error.
fail() {
  local kind=$1
  out_of_space "$CACHE_DIR" && kind=CACHE_FULL
  out_of_space "$BUILD_DIR" && kind=DISK_FULL
  printf '%s\n' "$kind" "${@:2}" >"$RESULT_DIR/failure"
  exit 1
}

# True when the disk of folder $1 has nothing left but what ext4 keeps for itself, or no inode. A file system without a fixed inode table
# counts 0 of 0.
out_of_space() {
  local blocks inodes_total inodes_free
  read -r blocks inodes_total inodes_free < <(stat -f -c '%a %c %d' "$1" 2>/dev/null) || return 1
  ((blocks < 64 || (inodes_total > 0 && inodes_free < 4)))
}

# A URL as it may be shown: without user name and password.
without_credentials() {
  if [[ $1 =~ ^([a-z+]+://)[^/@]*@(.*)$ ]]; then printf '%s%s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; else printf '%s' "$1"; fi
}
