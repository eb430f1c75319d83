# shellcheck shell=bash
# Running buildpacks: Heroku's API v2 (detect, compile, release, export) and our optional bin/layers.

# Runs program $2 of buildpack number $1 in a subshell with the exports of earlier buildpacks. Only our buildpacks get SLIPWAY_*.
call_buildpack() {
  local i=$1 program=$2
  shift 2
  # Computed before the export file of another buildpack runs: that file may set any variable of this shell.
  set -- "${SHIPPED[i]}" "$NODE_DIR" "$WORK" "$(IFS=:; printf '%s' "${KEPT[*]}")" "$APP_NAME" "${DIRS[i]}/bin/$program" "$@"
  (
    set +u
    for file in "${EXPORTS[@]}"; do source_export "$file"; done
    if (($1)); then export SLIPWAY_NODE_DIR=$2 SLIPWAY_SAID=$3/said SLIPWAY_UNPROMISED=$3/unpromised SLIPWAY_REUSED=$4 SLIPWAY_APP=$5; fi
    # A third-party buildpack may open its own files with relative paths, as on Heroku.
    (($1)) || cd "${6%/bin/*}" || exit 1
    shift 5
    exec "$@" </dev/null
  )
}

# In a function, so that `set --` in the file does not change the arguments of the caller.
source_export() {
  # shellcheck disable=SC1090 # written by an earlier buildpack
  source "$1"
}

# Sets DETECTED[i]. @return what detect returned
run_detect() {
  local i=$1 status
  require_program "$i" detect
  call_buildpack "$i" detect "$STAGE_DIR" >"$WORK/detected"
  status=$?
  DETECTED[i]=''
  IFS= read -r -n 100 "DETECTED[$i]" <"$WORK/detected"
  return "$status"
}

# Distinguishes a program that cannot start from one that fails: it must exist, be executable, and have an interpreter.
require_program() {
  local name=${NAMES[$1]} file=${DIRS[$1]}/bin/$2 first='' interpreter
  [[ -f $file ]] || fail MISSING_PROGRAM "$name" "bin/$2"
  [[ -x $file ]] || fail NOT_RUNNABLE "$name" "bin/$2" 'it is not executable'
  IFS= read -r -n 200 first <"$file"
  [[ $first == '#!'* ]] || return 0
  [[ $first == *$'\r' ]] && fail NOT_RUNNABLE "$name" "bin/$2" 'its lines end with CRLF (Windows line ends)'
  interpreter=${first#'#!'}
  interpreter=${interpreter#"${interpreter%%[! ]*}"}
  interpreter=${interpreter%%[[:space:]]*}
  [[ -x $interpreter ]] || fail NOT_RUNNABLE "$name" "bin/$2" "its interpreter $interpreter is not on this stack"
}

# Writes the declared layers of all buildpacks to RESULT_DIR/layers. If a buildpack has no bin/layers, no old layer is reused.
declare_layers() {
  local i
  REUSE_ALLOWED=1
  : >"$RESULT_DIR/layers"
  for i in "${!DIRS[@]}"; do
    if [[ ! -x ${DIRS[i]}/bin/layers ]]; then REUSE_ALLOWED=0; continue; fi
    call_buildpack "$i" layers "$STAGE_DIR" "$CACHE_DIR" "$ENV_DIR" >"$WORK/layers-$i" || REUSE_ALLOWED=0
    cat "$WORK/layers-$i" >>"$RESULT_DIR/layers"
  done
}

# Keeps a mounted candidate only if its declaration is unchanged and the source has no file in its place. Then the tree before the first
# compile is that of a clean build, plus folders whose content their keys define.
settle_candidates() {
  local line path
  local -A declared=()
  KEPT=()
  : >"$RESULT_DIR/kept"
  [[ -s $TASK_DIR/candidates ]] || return 0
  while IFS= read -r line; do declared[$line]=1; done <"$RESULT_DIR/layers"
  while IFS= read -r line; do
    IFS=$'\t' read -r _ path _ <<<"$line"
    if ((REUSE_ALLOWED)) && [[ -n ${declared[$line]-} && -d $BUILD_DIR/$path && ! -e $STAGE_DIR/${path%%/*} && ! -L $STAGE_DIR/${path%%/*} ]]; then
      KEPT+=("$path")
      printf '%s\n' "$line" >>"$RESULT_DIR/kept"
    fi
  done <"$TASK_DIR/candidates"
  remove_stale_candidates
  move_stage_into_place
}

remove_stale_candidates() {
  local path
  while IFS=$'\t' read -r _ path _; do
    is_kept "$path" && continue
    rm -rf -- "${BUILD_DIR:?}/$path" || fail INTERNAL "the old $path could not be removed"
    # Empty parent folders would also be leftovers of an earlier build.
    [[ $path != */* ]] || (cd "$BUILD_DIR" && rmdir -p --ignore-fail-on-non-empty -- "${path%/*}" 2>/dev/null)
  done <"$TASK_DIR/candidates"
}

is_kept() {
  local path
  for path in "${KEPT[@]}"; do [[ $path == "$1" ]] && return 0; done
  return 1
}

move_stage_into_place() {
  local -a entries
  shopt -s nullglob dotglob
  entries=("$STAGE_DIR"/*)
  shopt -u nullglob dotglob
  if ((${#entries[@]} > 0)); then mv -t "$BUILD_DIR" -- "${entries[@]}" || fail INTERNAL 'the source could not be moved into place'; fi
  rmdir "$STAGE_DIR"
  STAGE_DIR=$BUILD_DIR
  # The stage was the working folder, and programs fail without an existing working folder.
  cd "$BUILD_DIR" || fail INTERNAL 'the build folder is gone'
}

run_compiles() {
  local i
  for i in "${!DIRS[@]}"; do
    if ((i > 0 || ${#REFS[@]} > 0)); then
      step "bin/detect of ${NAMES[i]}"
      run_detect "$i" || fail DETECT_REFUSED "${NAMES[i]}"
      say_step "${DETECTED[i]:-${NAMES[i]}} app detected"
    fi
    run_compile "$i"
    : >"$WORK/compiled-$i"
    if [[ -f ${DIRS[i]}/export ]]; then EXPORTS+=("${DIRS[i]}/export"); fi
  done
  note_later_writes
  break_promises
}

# Finds new layers that a later buildpack changed, so that their keys are wrong. (The agent checks the mounted layers.)
note_later_writes() {
  local i path
  for ((i = 0; i < ${#DIRS[@]} - 1; i++)); do
    [[ -f $WORK/layers-$i ]] || continue
    while IFS=$'\t' read -r _ path _; do
      if is_kept "$path" || [[ ! -d $BUILD_DIR/$path ]]; then continue; fi
      [[ -z $(find "$BUILD_DIR/$path" -cnewer "$WORK/compiled-$i" -print -quit) ]] || printf '%s\n' "$path" >>"$WORK/unpromised"
    done <"$WORK/layers-$i"
  done
}

# Sets a unique key for each folder whose content depends on more than its key, so that no later build reuses it.
break_promises() {
  local name path key ownership unpromised
  [[ -s $WORK/unpromised ]] || return 0
  unpromised=$'\n'$(<"$WORK/unpromised")$'\n'
  while IFS=$'\t' read -r name path key ownership; do
    [[ $unpromised != *$'\n'"$path"$'\n'* ]] || key+=" ${REQUEST_ID-}"
    printf '%s\t%s\t%s\t%s\n' "$name" "$path" "$key" "$ownership"
  done <"$RESULT_DIR/layers" >"$WORK/layers"
  mv "$WORK/layers" "$RESULT_DIR/layers"
  rm -f "$WORK/unpromised"
}

run_compile() {
  local i=$1 status
  local -a said=()
  require_program "$i" compile
  step "bin/compile of ${NAMES[i]}"
  cd "$BUILD_DIR" || fail INTERNAL 'the build folder is gone'
  call_buildpack "$i" compile "$BUILD_DIR" "$CACHE_DIR" "$ENV_DIR"
  status=$?
  ((status == 0)) && return 0
  # Our own buildpacks report the reason and what to do.
  if ((SHIPPED[i])) && [[ -s $WORK/said ]]; then mapfile -n 2 -t said <"$WORK/said"; fi
  fail COMPILE_FAILED "${NAMES[i]}" "$status" "${DETECTED[i]-}" "${SHIPPED[i]}" "${said[@]}"
}

# Only the output of the last buildpack is used.
run_release() {
  local last=$((${#DIRS[@]} - 1)) status
  [[ -e ${DIRS[last]}/bin/release ]] || return 0
  require_program "$last" release
  step "bin/release of ${NAMES[last]}"
  # One byte more than the agent accepts, so that the agent can report it.
  call_buildpack "$last" release "$BUILD_DIR" | head -c 65537 >"$RESULT_DIR/release.yml"
  status=${PIPESTATUS[0]}
  [[ $(stat -c %s "$RESULT_DIR/release.yml") == 65537 ]] && return 0
  ((status == 0)) || fail RELEASE_FAILED "${NAMES[last]}" "$status"
}
