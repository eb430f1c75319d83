#!/bin/bash
# The whole build, inside its sandbox: source → buildpacks → a finished BUILD_DIR and result files for the agent.
# Starting a process is slow, so bash does as much as possible itself.
# All input comes in SLIPWAY_* variables. Buildpacks do not get them. Text of users is never part of a command line.
set -uo pipefail
umask 022

INSIDE_DIR=$SLIPWAY_INSIDE_DIR BUILD_DIR=$SLIPWAY_BUILD_DIR TASK_DIR=$SLIPWAY_TASK_DIR RESULT_DIR=$SLIPWAY_RESULT_DIR
CACHE_DIR=$SLIPWAY_CACHE_DIR BUILDPACKS_DIR=$SLIPWAY_BUILDPACKS_DIR NODE_DIR=${SLIPWAY_NODE_DIR-}
LOCAL_BUILDPACKS_DIR=${SLIPWAY_LOCAL_BUILDPACKS_DIR-} LOCAL_BUILDPACKS_PATH=${SLIPWAY_LOCAL_BUILDPACKS_PATH-}
STACK_TITLE=${SLIPWAY_STACK_TITLE-} APP_NAME=${SLIPWAY_APP:-APP} WORK=$SLIPWAY_RESULT_DIR/work
unset "${!SLIPWAY_@}" GIT_DIR
SOURCE_FILE=$TASK_DIR/source.tar.gz ENV_DIR=$TASK_DIR/env
REFS=() DIRS=() NAMES=() SHIPPED=() DETECTED=() EXPORTS=() KEPT=()

# shellcheck source=buildpacks/lib/private-address.sh
source "$BUILDPACKS_DIR/lib/private-address.sh"
# shellcheck source=agent/build/inside/report.sh
source "$INSIDE_DIR/report.sh"
# shellcheck source=agent/build/inside/source.sh
source "$INSIDE_DIR/source.sh"
# shellcheck source=agent/build/inside/notice.sh
source "$INSIDE_DIR/notice.sh"
# shellcheck source=agent/build/inside/select.sh
source "$INSIDE_DIR/select.sh"
# shellcheck source=agent/build/inside/run.sh
source "$INSIDE_DIR/run.sh"

prepare_source() {
  step unpack
  # With mounted layers, the source stays in another folder until it is known which layers can be reused.
  STAGE_DIR=$BUILD_DIR
  [[ -s $TASK_DIR/candidates ]] && STAGE_DIR=$BUILD_DIR/.slipway-stage-$SRANDOM
  [[ -d $STAGE_DIR ]] || mkdir "$STAGE_DIR"
  unpack_source
  cd -P "$STAGE_DIR" || exit 1
  STAGE_REAL=$PWD
  copy_manifests "$STAGE_DIR"
  say_step "Building on the $STACK_TITLE stack"
  warn_about_absent_content
  prune_source
  apply_slugignore
}

select_buildpacks() {
  step select
  choose_refs
  if ((${#REFS[@]} > 0)); then
    provide_buildpacks
    announce_buildpacks
  else
    say_step 'Determining which buildpack to use for this app'
    step detect
    detect_default
    say_step "${DETECTED[0]:-${NAMES[0]}} app detected"
    warn_about_other_languages
    [[ ${NAMES[0]} != heroku/nodejs ]] || warn_about_second_lockfile
  fi
  warn_about_miscased_procfile
}

main() {
  prepare_source
  select_buildpacks
  step layers
  declare_layers
  settle_candidates
  run_compiles
  run_release
  copy_manifests "$BUILD_DIR"
  note_built_site
  printf '%s\n' "${NAMES[@]}" >"$RESULT_DIR/buildpacks"
  step 'done'
  : >"$RESULT_DIR/finished"
}

main
