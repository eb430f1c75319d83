# shellcheck shell=bash
# Messages of the build to the user (stdout) and to the agent (files in RESULT_DIR).

say_step() { printf -- '-----> %s\n' "$*"; }
say() { printf '       %s\n' "$*"; }
warn() { printf ' !     %s\n' "$*"; }

# Marks the start of a step, for the timing line and for "hung while …".
step() { printf '%s\t%s\n' "$EPOCHREALTIME" "$1" >>"$RESULT_DIR/steps"; }

# Ends the build. The agent makes an error of the kind and its details (one per line).
fail() {
  local kind=$1
  out_of_space "$CACHE_DIR" && kind=CACHE_FULL
  out_of_space "$BUILD_DIR" && kind=DISK_FULL
  printf '%s\n' "$kind" "${@:2}" >"$RESULT_DIR/failure"
  exit 1
}

# True if the disk of folder $1 has no free space except the reserve of ext4, or no free inode. A file system without a fixed inode table
# reports 0 of 0.
out_of_space() {
  local blocks inodes_total inodes_free
  read -r blocks inodes_total inodes_free < <(stat -f -c '%a %c %d' "$1" 2>/dev/null) || return 1
  ((blocks < 64 || (inodes_total > 0 && inodes_free < 4)))
}

# A URL without user name and password, for messages.
without_credentials() {
  if [[ $1 =~ ^([a-z+]+://)[^/@]*@(.*)$ ]]; then printf '%s%s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; else printf '%s' "$1"; fi
}
