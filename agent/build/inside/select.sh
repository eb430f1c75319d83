# shellcheck shell=bash
# Selects the buildpacks: BUILDPACK_URL > the setting of the app > app.json > .buildpacks > detection.
# Fills REFS, and for each buildpack DIRS (its folder), NAMES (display name), SHIPPED (1: our own, read-only).

DETECTION_ORDER=(nodejs python static procfile)
FETCH_TIMEOUT_SECONDS=90
# An operator may set a mirror.
REGISTRY_URL=${BUILDPACK_REGISTRY_URL:-https://buildpack-registry.s3.amazonaws.com/buildpacks}

choose_refs() {
  REFS=()
  if [[ -s $ENV_DIR/BUILDPACK_URL ]]; then
    read -r 'REFS[0]' <"$ENV_DIR/BUILDPACK_URL"
  elif [[ -s $TASK_DIR/buildpacks ]]; then
    mapfile -t REFS <"$TASK_DIR/buildpacks"
    [[ ! -f $STAGE_DIR/.buildpacks ]] || warn '.buildpacks is not read, because the buildpacks of this app are set (see: slipway buildpacks).'
  else
    refs_from_app_json
    ((${#REFS[@]} > 0)) || refs_from_file
  fi
}

refs_from_app_json() {
  local path type value
  [[ -s $RESULT_DIR/app.json ]] || return 0
  awk -f "$BUILDPACKS_DIR/lib/json.awk" "$RESULT_DIR/app.json" >"$WORK/app-json" || fail APP_JSON
  while IFS=$'\t' read -r path type value; do
    if [[ $type == s && $path =~ ^/buildpacks/[0-9]+(/url)?$ ]]; then REFS+=("$value"); fi
  done <"$WORK/app-json"
}

refs_from_file() {
  local line
  [[ -f $STAGE_DIR/.buildpacks ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%%$'\r'}
    line=${line//[[:space:]]/}
    if [[ -n $line && $line != '#'* ]]; then REFS+=("$line"); fi
  done < <(head -c 65536 "$STAGE_DIR/.buildpacks" | tr -d '\0')
}

# The first of our own buildpacks whose detect succeeds.
detect_default() {
  local name
  for name in "${DETECTION_ORDER[@]}"; do
    # shellcheck disable=SC2034 # EXPORTS is read by run.sh
    DIRS=("$BUILDPACKS_DIR/$name") NAMES=("heroku/$name") SHIPPED=(1) EXPORTS=()
    if run_detect 0; then return 0; fi
  done
  fail NOTHING_DETECTED "$(name_language)" "$(find_app_below)"
}

provide_buildpacks() {
  local ref
  # On the disk of the sandbox, which has a limited size.
  FETCH_DIR=$(mktemp -d) || exit 1
  trap 'rm -rf "$FETCH_DIR"' EXIT
  DIRS=() NAMES=() SHIPPED=()
  for ref in "${REFS[@]}"; do provide_buildpack "$ref" "${#DIRS[@]}"; done
}

announce_buildpacks() {
  local i
  if ((${#NAMES[@]} == 1)); then
    say_step "Using buildpack: ${NAMES[0]}"
  else
    say_step 'Using buildpacks:'
    for i in "${!NAMES[@]}"; do say "$((i + 1)). ${NAMES[i]}"; done
  fi
}

# Sets REF: the name of our buildpack for every spelling of it (registry, its download addresses, GitHub); else the given text.
canonical_ref() {
  local name
  REF=${1#urn:buildpack:}
  if [[ $REF =~ ^https://(buildpack-registry|codon-buildpacks)\.s3\.amazonaws\.com/buildpacks/([A-Za-z0-9_-]+/[A-Za-z0-9_-]+)\.tgz$ ]]; then
    name=${BASH_REMATCH[2]}
  elif [[ $REF =~ ^(https://|git://|ssh://git@|git@)github\.com[/:]heroku/heroku-buildpack-([a-z]+)(\.git)?/?(#.*)?$ ]]; then
    name=heroku/${BASH_REMATCH[2]}
    [[ -z ${BASH_REMATCH[4]} ]] || ! is_shipped "$name" || warn "$REF: Slipway uses its own buildpack $name instead of that version."
  else
    name=$REF
  fi
  [[ $name == heroku-community/static ]] && name=heroku/static
  if is_shipped "$name"; then REF=$name; fi
}

# True for heroku/NAME or NAME, if NAME is one of our own buildpacks.
is_shipped() { [[ $1 =~ ^(heroku/)?([a-z]{1,30})$ && -x $BUILDPACKS_DIR/${BASH_REMATCH[2]}/bin/detect ]]; }

provide_buildpack() {
  local ref target=$FETCH_DIR/$2 short
  canonical_ref "$1"
  ref=$REF short=${REF#heroku/}
  if is_shipped "$ref"; then
    NAMES+=("heroku/$short") SHIPPED+=(1)
    # A single buildpack can stay read-only. Several ones write `export` files into their folders.
    if ((${#REFS[@]} == 1)); then DIRS+=("$BUILDPACKS_DIR/$short"); return 0; fi
    [[ -e $FETCH_DIR/lib ]] || ln -s "$BUILDPACKS_DIR/lib" "$FETCH_DIR/lib"
    cp -R "$BUILDPACKS_DIR/$short" "$target"
    chmod u+w "$target"
    # If this file exists, the buildpack writes its exports, and knows that the folder is its own.
    : >"$target/export"
    DIRS+=("$target")
    return 0
  fi
  NAMES+=("$(without_credentials "$ref")") SHIPPED+=(0) DIRS+=("$target")
  mkdir -p "$target"
  fetch_buildpack "$ref" "$target"
  if [[ -d $target/bin ]]; then find -P "$target/bin" -maxdepth 1 -type f -exec chmod 755 {} +; fi
}

fetch_buildpack() {
  local ref=$1 target=$2
  case $ref in
    -*) fetch_failed "$ref" 'it starts with a dash' ;;
    https://*.tgz | https://*.tgz\?* | https://*.tar.gz | https://*.tar.gz\?* | http://*.tgz | http://*.tgz\?* | http://*.tar.gz | http://*.tar.gz\?*)
      fetch_tarball "$ref" "$target" ;;
    https://* | http://* | git://* | ssh://* | *@*:*) fetch_git "$ref" "$target" ;;
    /*) copy_local "$ref" "$target" ;;
    ./*) copy_in_tree "$ref" "$target" ;;
    *) if [[ $ref =~ ^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$ ]]; then
        fetch_by_name "$ref" "$target"
      else
        fetch_failed "$ref" 'it is not a name, URL or folder of a buildpack'
      fi ;;
  esac
}

# NS/NAME is a name in the registry of buildpacks. If it is not there, the repository with the usual name on GitHub is tried.
fetch_by_name() {
  local ref=$1 target=$2 why
  ( fetch_tarball "$REGISTRY_URL/$ref.tgz" "$target" ) && return 0
  [[ $(head -n 1 "$RESULT_DIR/failure") == FETCH_FAILED ]] || exit 1
  why=$(sed -n 3p "$RESULT_DIR/failure")
  rm -rf "$RESULT_DIR/failure" "$target"
  mkdir -p "$target"
  ( fetch_git "https://github.com/${ref%%/*}/heroku-buildpack-${ref#*/}" "$target" ) && return 0
  [[ $(head -n 1 "$RESULT_DIR/failure") == FETCH_FAILED ]] || exit 1
  fetch_failed "$ref" "the registry of buildpacks: $why; GitHub: $(sed -n 3p "$RESULT_DIR/failure")" \
    'Check the name in the registry of buildpacks, or give the address of its repository: https://….git'
}

# Ends the build with the buildpack, the reason, and (if the reason is known) what to do.
fetch_failed() { fail FETCH_FAILED "$(without_credentials "$1")" "$2" "${3-$(fetch_hint "$1" "$2")}"; }

fetch_hint() {
  local ref=$1 why=$2
  local own='(//|@)(localhost|127\.|169\.254\.|\[)'
  local private="(//|@)(${PRIVATE_ADDRESS}[0-9.]*[0-9])"
  local refused='([Rr]efused|[Tt]imed\ out|[Tt]imeout|[Uu]nreachable|[Nn]o\ route|[Cc]onnect)'
  if [[ $ref == /* ]]; then
    printf '%s' 'Commit the buildpack into the app and name it ./FOLDER, or give the address of its repository: https://….git'
  elif [[ $ref =~ $own && $why =~ $refused ]]; then
    printf '%s' 'A build cannot connect to its own machine. Use the address of the repository in the network, or commit the buildpack into the app and name it ./FOLDER.'
  elif [[ $why =~ $refused && $ref =~ $private ]]; then
    printf '%s' "Builds can reach only public addresses. An operator can open a private one with: slipway egress:add ${BASH_REMATCH[2]} -a $APP_NAME — or commit the buildpack into the app and name it ./FOLDER."
  elif [[ $why =~ ([Pp]ermission\ denied|[Hh]ost\ key|publickey) ]]; then
    printf '%s' 'A build has no SSH key. Use an https:// address, with a token if it is private, or commit the buildpack into the app and name it ./FOLDER.'
  fi
}

# The line with the reason in the output of git. The last lines are only advice.
git_reason() {
  local line before=''
  while IFS= read -r line; do
    if [[ $before == *: && -n $line ]]; then printf '%s' "$before $line"; return 0; fi
    [[ -z $before && $line =~ ^(ssh|fatal|error|remote): ]] && before=$line
    [[ -n $before && $before != *: ]] && break
  done <"$WORK/fetch-errors"
  printf '%s' "${before:-$(grep -m 1 . "$WORK/fetch-errors")}"
}

# Makes a copy without owners and special files. The original may be read-only.
copy_local() {
  local ref=$1 target=$2
  [[ -n $LOCAL_BUILDPACKS_DIR && /$ref/ != */../* && $ref == "$LOCAL_BUILDPACKS_PATH"/* ]] || fetch_failed "$ref" 'apps cannot use folders on the builder'
  copy_folder "$LOCAL_BUILDPACKS_DIR/${ref#"$LOCAL_BUILDPACKS_PATH"/}" "$ref" "$target"
}

copy_in_tree() {
  local real
  real=$(cd -P -- "$STAGE_DIR/$1" 2>/dev/null && pwd -P) || fetch_failed "$1" 'there is no such folder in the source'
  [[ $real == "$STAGE_REAL"/* ]] || fetch_failed "$1" 'it points outside of the source'
  copy_folder "$real" "$1" "$2"
}

copy_folder() {
  [[ -d $1 ]] || fetch_failed "$2" 'there is no such folder'
  cp -R -- "$1/." "$3/" 2>"$WORK/fetch-errors" || fetch_failed "$2" "$(head -c 300 "$WORK/fetch-errors" | head -n 1)"
}

fetch_tarball() {
  local ref=$1 target=$2 file=$FETCH_DIR/buildpack.tgz findings
  command -v curl >/dev/null || fetch_failed "$ref" 'curl is not installed on the builder'
  curl -fsSL --max-time "$FETCH_TIMEOUT_SECONDS" --max-filesize 104857600 -o "$file" -- "$ref" 2>"$WORK/fetch-errors" ||
    fetch_failed "$ref" "$(tail -n 1 "$WORK/fetch-errors")"
  findings=$(unpack "$file" "$target") || fetch_failed "$ref" 'it is not a valid tar archive'
  [[ $findings =~ unsafe$'\t'([^$'\t']*) ]] && fetch_failed "$ref" "its archive contains a member that is ${BASH_REMATCH[1]}"
  rm -f "$file"
  lift_single_folder "$target"
}

# Archives of code hosts contain one folder with everything in it.
lift_single_folder() {
  local -a entries
  [[ -d $1/bin ]] && return 0
  shopt -s nullglob
  entries=("$1"/*/)
  shopt -u nullglob
  if ((${#entries[@]} == 1)) && [[ -d ${entries[0]}bin ]]; then cp -R "${entries[0]}." "$1/"; fi
}

fetch_git() {
  local url=${1%%#*} ref=HEAD target=$2
  [[ $1 == *'#'* ]] && ref=${1#*#}
  command -v git >/dev/null || fetch_failed "$1" 'git is not installed on the builder'
  [[ -n $ref && $ref != -* ]] || fetch_failed "$1" 'the part after # is not a branch, tag or commit'
  git_quietly init -q "$target" || fetch_failed "$1" "$(git_reason)"
  fetch_ref "$url" "$ref" "$target" || fetch_failed "$1" "$(git_reason)"
  git_quietly -C "$target" checkout -q --detach FETCH_HEAD || fetch_failed "$1" "$(git_reason)"
  rm -rf "$target/.git"
}

# Fetches only the commit. If the server cannot do this, it fetches the history too. A short commit id is looked up in the complete history.
fetch_ref() {
  local url=$1 ref=$2 target=$3 commit
  git_quietly -C "$target" fetch -q --depth 1 -- "$url" "$ref" || git_quietly -C "$target" fetch -q -- "$url" "$ref" || {
    [[ $ref =~ ^[0-9a-f]{7,40}$ ]] && git_quietly -C "$target" fetch -q -- "$url" '+refs/heads/*:refs/remotes/origin/*' &&
      commit=$(git -C "$target" rev-parse --verify -q "$ref^{commit}") && git_quietly -C "$target" update-ref FETCH_HEAD "$commit"
  }
}

# git never asks for a password, never uses hooks or config files of the app, and never reads local paths.
git_quietly() {
  HOME=$FETCH_DIR GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=http:https:git:ssh \
    GIT_SSH_COMMAND='ssh -oBatchMode=yes' timeout "$FETCH_TIMEOUT_SECONDS" git "$@" 2>"$WORK/fetch-errors" >/dev/null
}
