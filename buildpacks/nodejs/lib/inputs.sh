# shellcheck shell=bash
# The inputs of an install of dependencies. The key of the install covers exactly these, and the rest of the source is hidden
# from the install (install.sh). So equal keys give equal content, whatever the install scripts of packages do.
# Sets INPUTS (paths below BUILD_DIR), MANIFESTS (package.json files whose scripts do not count), NO_REUSE (the reason why
# nothing may be reused, or empty), HAS_LOCAL_PATHS and INSTALL_KEY. Needs RUNTIME_KEY and read_app_env.

# Settings, and files that install scripts of well-known packages read (Prisma's schema, rc files).
INPUT_FILES=(package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml '.pnpmfile.*' .node-version .nvmrc
  .env '.*rc' '.*rc.*' 'puppeteer.config.*' '*.prisma' .yarn patches prisma)
INPUTS_MAX=2000
# Fields of package.json that no install depends on. Scripts of the root run after the install, with the whole source.
IGNORED_FIELDS='scripts|description|keywords|author|repository|bugs|homepage'

collect_inputs() {
  local -A seen=()
  INPUTS=() MANIFESTS=() NO_REUSE='' HAS_LOCAL_PATHS=0 FLAT='' INSTALL_KEY=''
  find_inputs
  # The hash reads all inputs, so it is computed once, and only if it is needed.
  [[ -n $NO_REUSE ]] || INSTALL_KEY=$(hash_inputs)
}

# Local archives must be found even without reuse, because with them the caches of the tools must be empty.
find_inputs() {
  [[ -z ${SCRIPTS[preinstall]-}${SCRIPTS[install]-} ]] || note_early_scripts
  add_root_files
  add_manifests
  add_settings_paths
  add_config_paths
  read_manifests
  [[ -z $LOCKFILE ]] || check_lockfile_paths
  ((${#INPUTS[@]} <= INPUTS_MAX)) || NO_REUSE="the install depends on more than $INPUTS_MAX files"
  # npm runs node-gyp for it, and node-gyp reads files that are not in INPUTS.
  [[ ! -f $BUILD_DIR/binding.gyp ]] || NO_REUSE='the app has its own native module (binding.gyp)'
  [[ $(config_value "$ENV_DIR" NODE_MODULES_CACHE true) != false ]] || NO_REUSE='NODE_MODULES_CACHE is false'
  [[ -n $LOCKFILE ]] || NO_REUSE='there is no lockfile'
  return 0
}

# These scripts run before the install and can change its result. `npx only-allow pnpm` is harmless.
note_early_scripts() {
  local path type value
  while IFS=$'\t' read -r path type value; do
    [[ $path =~ ^/scripts/(preinstall|install)$ && ! $value =~ ^npx\ (-y\ |--yes\ )?only-allow\ [a-z]+$ ]] && NO_REUSE="package.json has a script \"${path#/scripts/}\""
  done <<<"$PKG"
  return 0
}

# Adds a file or folder of the source once. @return 1 if it does not exist or is outside of the app
add_input() {
  local path=$1
  while [[ $path == ./* ]]; do path=${path#./}; done
  path=${path%/}
  [[ -n $path && $path != . ]] || return 1
  if [[ /$path/ == */../* || /$path/ == */./* ]]; then path=$(realpath -ms --relative-to="$BUILD_DIR" -- "$BUILD_DIR/$path"); fi
  [[ $path != /* && $path != .. && $path != ../* && $path != . && ( -e $BUILD_DIR/$path || -L $BUILD_DIR/$path ) ]] || return 1
  ADDED=$path
  [[ -n ${seen[$path]-} ]] && return 0
  seen[$path]=1
  INPUTS+=("$path")
}

add_root_files() {
  local pattern file
  shopt -s nullglob dotglob
  for pattern in "${INPUT_FILES[@]}"; do
    # shellcheck disable=SC2231 # the pattern must expand
    for file in "$BUILD_DIR"/$pattern; do add_input "${file#"$BUILD_DIR"/}"; done
  done
  shopt -u nullglob dotglob
}

# Adds every package.json of a workspace, and the settings in the same folder.
add_manifests() {
  local file
  MANIFESTS=(package.json)
  is_workspace || return 0
  while IFS= read -r -d '' file; do
    case ${file##*/} in
      package.json) [[ $file == package.json ]] || MANIFESTS+=("$file") ;;
      *) add_input "$file" ;;
    esac
  done < <(cd "$BUILD_DIR" && find . \( -name node_modules -o -name .heroku -o -name .git -o -name .yarn -o -name '.slipway-*' \) -prune -o -type f \
    \( -name package.json -o -name .npmrc -o -name '.pnpmfile.*' -o -name '*.prisma' \) -printf '%P\0' | LC_ALL=C sort -z)
}

is_workspace() { [[ -f $BUILD_DIR/pnpm-workspace.yaml || $'\n'$PKG == *$'\n/workspaces'* ]]; }

# Files and folders that settings of a package manager name: a local yarn release, an offline mirror, plugins, patches.
add_settings_paths() {
  local file word
  local -a words=()
  for file in .npmrc .yarnrc .yarnrc.yml pnpm-workspace.yaml; do
    [[ -f $BUILD_DIR/$file ]] || continue
    mapfile -t words < <(head -c 65536 "$BUILD_DIR/$file" | tr -d '\0' | tr -s " \t=,\"'[]" '\n')
    for word in "${words[@]}"; do
      word=${word#file:}
      # A member of the workspace is covered by its manifest.
      [[ -n $word && ! -f $BUILD_DIR/$word/package.json ]] && add_input "$word"
    done
  done
  for file in "$BUILD_DIR"/.pnpmfile.*; do
    [[ -f $file ]] && grep -qE "['\"\`]\.\.?/|__dirname|cwd\(|import\.meta" "$file" && NO_REUSE="${file##*/} reads other files"
  done
  return 0
}

# Config variables of package managers may name files, too (NPM_CONFIG_USERCONFIG).
add_config_paths() {
  local assignment
  for assignment in "${APP_ENV[@]}"; do
    [[ $assignment =~ ^(npm_config|pnpm_config|yarn)_ || $assignment =~ ^(NPM|PNPM|YARN) ]] && add_input "${assignment#*=}"
  done
  return 0
}

# Flattens all manifests in one process, and reads the local paths, programs and scripts in them. The prefix `./` keeps awk from
# reading a file name as an assignment.
read_manifests() {
  local file path type value
  FLAT=$(cd "$BUILD_DIR" && awk -v named=1 -f "$LIB_DIR/json.awk" "${MANIFESTS[@]/#/./}") || { NO_REUSE='a package.json of the workspace is not valid JSON'; return 0; }
  while IFS=$'\t' read -r file path type value; do
    file=${file#./}
    [[ $type == s || $path == */injected ]] || continue
    case $path in
      /scripts/preinstall | /scripts/install | /scripts/postinstall | /scripts/prepare | /scripts/prepublish)
        [[ $file == package.json ]] || NO_REUSE="$file has a script \"${path#/scripts/}\"" ;;
      /bin | /bin/* | /directories/bin) add_beside "$file" "$value" ;;
      */injected) NO_REUSE="$file has injected dependencies" ;;
      /dependencies/* | /devDependencies/* | /optionalDependencies/* | /peerDependencies/* | /resolutions/* | /overrides/* | /pnpm/*)
        add_dependency_path "$file" "$value" ;;
    esac
  done <<<"$FLAT"
  [[ $FLAT$(cat "$BUILD_DIR"/.npmrc "$BUILD_DIR"/pnpm-workspace.yaml 2>/dev/null) != *inject* ]] || NO_REUSE='the workspace injects its packages'
  return 0
}

# Adds path $2, relative to the folder of package.json $1.
add_beside() {
  local folder=''
  [[ $1 == */* ]] && folder=${1%/*}/
  add_input "$folder$2"
}

add_dependency_path() {
  local file=$1 value=$2 kind=''
  case $value in
    patch:*) value=${value##*#}; value=${value%%::*}; kind=optional ;;
    file:* | portal:* | link:*) kind=${value%%:*}; value=${value#*:} ;;
    ./* | ../* | *.tgz | *.tar.gz) kind="file"; [[ $value != *://* ]] || return 0 ;;
    *) kind=optional ;;
  esac
  # Yarn writes ~/ for the root of the project.
  if [[ ${value:0:2} == "~"/ ]]; then file=package.json value=${value#\~/}; fi
  if [[ $kind == link ]]; then add_link "$file" "$value"; return 0; fi
  ADDED=''
  if ! add_beside "$file" "$value"; then
    [[ $kind == optional ]] || NO_REUSE="$value in $file is not a path inside the app"
    return 0
  fi
  HAS_LOCAL_PATHS=1
  # It is installed as a package, so its whole package.json counts, with its scripts.
  drop_manifest "$ADDED/package.json"
}

drop_manifest() {
  local manifest
  local -a kept=()
  for manifest in "${MANIFESTS[@]}"; do [[ $manifest == "$1" || $manifest == "${1%package.json}"* ]] || kept+=("$manifest"); done
  MANIFESTS=("${kept[@]}")
}

# The install does not read the content of a linked folder, except the programs in its package.json.
add_link() {
  local folder=${1%package.json}$2
  [[ -f $BUILD_DIR/$folder/package.json ]] || return 0
  grep -q '"bin"' "$BUILD_DIR/$folder/package.json" && NO_REUSE="the linked $2 has programs"
  add_input "$folder/package.json"
  return 0
}

# Packages that a lockfile takes from local archives. The manifests may not name them.
check_lockfile_paths() {
  local path known
  while IFS= read -r path; do
    path=${path#file:}
    if add_input "$path"; then HAS_LOCAL_PATHS=1; continue; fi
    known=0
    [[ " ${INPUTS[*]} " == *"${path##*/} "* ]] && known=1
    ((known)) || NO_REUSE="$path in $LOCKFILE is not a path inside the app"
  done < <(grep -oE "file:[^\"'#@:, )}]+" "$BUILD_DIR/$LOCKFILE" | sort -u)
}

# A hash of everything that the result of an install depends on.
hash_inputs() {
  local name
  {
    printf '%s\n' 3 "${STACK-}" "$RUNTIME_KEY" "$PM" "$(install_mode)" "$(needs_dev)"
    grep -vE "^[^	]*	/($IGNORED_FIELDS)(/|	)" <<<"$FLAT"
    # Names, modes, links and bytes.
    ((${#INPUTS[@]} == 0)) || printf '%s\0' "${INPUTS[@]}" | tar -cf - -C "$BUILD_DIR" --exclude=node_modules --exclude=.yarn/install-state.gz \
      --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu --null -T - 2>/dev/null
    printf '%s\0' "${APP_ENV[@]}"
    for name in "${!npm_config_@}" "${!NPM_CONFIG_@}" "${!YARN_@}"; do [[ $name == *_cache ]] || printf '%s=%s\n' "$name" "${!name}"; done
  } | sha256_of
}
