# shellcheck shell=bash
# Installs dependencies, runs the build scripts of the app, and prunes.

# Sets the environments in which with_tool_env and with_app_env run package managers and the app's scripts.
use_runtime() {
  local caches=$CACHE_DIR
  # If a local archive changed but kept its name, a cache would return its old content.
  if ((HAS_LOCAL_PATHS)) || [[ $(config_value "$ENV_DIR" NODE_MODULES_CACHE true) == false ]]; then caches=$CACHE_DIR/once; rm -rf "$caches"; fi
  DEFAULT_ENV=(NODE_ENV=production)
  TOOL_ENV=(
    "PATH=$BUILD_DIR/$RUNTIME_PATH/bin:$BUILD_DIR/node_modules/.bin:$PATH"
    # The files of the tools belong into the build cache, not into the slug.
    "HOME=$CACHE_DIR/home" "npm_config_cache=$caches/npm" "YARN_CACHE_FOLDER=$(yarn_cache_folder "$caches")" "YARN_GLOBAL_FOLDER=$caches/yarn-global"
    npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
    YARN_ENABLE_GLOBAL_CACHE=false YARN_ENABLE_TELEMETRY=0 COREPACK_ENABLE_STRICT=0
  )
  # npm warns about the settings of pnpm, so only pnpm gets them. Its side effects cache would skip install scripts.
  [[ $PM == pnpm ]] && TOOL_ENV+=("npm_config_store_dir=$caches/pnpm" npm_config_package_import_method=copy npm_config_side_effects_cache=false)
  mkdir -p "$CACHE_DIR/home"
  # Settings that an earlier build wrote there must not affect this one.
  find "$CACHE_DIR/home" -mindepth 1 -maxdepth 1 ! -name .cache -exec rm -rf -- {} +
}

# With Plug'n'Play the app loads packages from the cache of yarn, so that cache is a part of the slug.
yarn_cache_folder() {
  if [[ $PM == berry ]] && { uses_plug_and_play || [[ -d $BUILD_DIR/.yarn/cache ]]; }; then printf '%s' "$BUILD_DIR/.yarn/cache"; else printf '%s' "$1/yarn"; fi
}

uses_plug_and_play() {
  local linker
  [[ $PM == berry ]] || return 1
  linker=$(config_value "$ENV_DIR" YARN_NODE_LINKER '')
  [[ -n $linker || ! -f $BUILD_DIR/.yarnrc.yml ]] || linker=$(sed -n "s/^nodeLinker:[[:space:]]*[\"']\{0,1\}\([a-z-]*\).*/\1/p" "$BUILD_DIR/.yarnrc.yml")
  [[ ${linker:-pnp} == pnp ]]
}

# Installs yarn or pnpm beside npm into the runtime layer.
provide_extra_tools() {
  [[ -n $EXTRA_TOOLS ]] || return 0
  is_reused "$RUNTIME_PATH" && return 0
  info "Installing $EXTRA_TOOLS"
  run_npm install --global --silent --no-save --prefix "$BUILD_DIR/$RUNTIME_PATH" "$EXTRA_TOOLS" ||
    die "$EXTRA_TOOLS could not be installed from the registry."
  rm -f "$BUILD_DIR/$RUNTIME_PATH/lib/node_modules/.package-lock.json"
}

# Provides the packages from an earlier build with the same key, or by an install that sees only the inputs of the key.
provide_dependencies() {
  local name
  if [[ -n $NO_REUSE ]]; then
    install_plainly
    return 0
  fi
  if restore_snapshot "$INSTALL_KEY"; then
    # A snapshot contains more than this folder.
    promise_nothing node_modules
    info "Node modules unchanged since an earlier build ($LOCKFILE)"
  else
    install_hidden "$INSTALL_KEY"
  fi
  for name in "${LATE_SCRIPTS[@]}"; do run_script "$name"; done
}

# Installs with the whole source visible, as the package manager does without this buildpack.
install_plainly() {
  promise_nothing node_modules
  [[ -z $NO_REUSE || -z $LOCKFILE ]] || info "Each build installs all packages again, because $NO_REUSE"
  install_dependencies || tool_failed
}

# The scripts of the root that the package manager runs after an install.
choose_late_scripts() {
  case $PM in
    berry) LATE_SCRIPTS=(postinstall) ;;
    *) LATE_SCRIPTS=(preinstall install postinstall prepublish prepare) ;;
  esac
}

install_hidden() {
  hide_source
  if ! install_dependencies; then
    if cause_is network || cause_is lockfile; then tool_failed; fi
    info 'Installing again with the whole source visible, because a package may need more of it'
    chmod 755 "$HIDDEN"
    discard_product
    show_source
    install_plainly
    LATE_SCRIPTS=()
    return 0
  fi
  remove_inputs
  if ((OWN_SCRIPTS)) || ! is_product_in_one_folder; then
    promise_nothing node_modules
    save_snapshot "$1"
  fi
  show_source
}

# @return 1 when the package manager failed
install_dependencies() {
  local omit=() production=()
  # Without build scripts, devDependencies are not needed, so they are not installed.
  if [[ $(needs_dev) == no ]]; then omit=(--omit=dev) production=(--production); else omit=(--include=dev) production=(--production=false); fi
  cd "$BUILD_DIR" || exit 1
  case $PM in
    npm)
      if [[ -n $LOCKFILE ]]; then
        info "Installing node modules (npm ci, $LOCKFILE)"
        try_tool npm ci "$(npm_flag "${omit[0]}")" --no-progress
      else
        warn 'There is no lockfile, so every build may get other versions.' 'Create one with: npm install && git add package-lock.json'
        info 'Installing node modules (npm install)'
        try_tool npm install "$(npm_flag "${omit[0]}")" --no-package-lock --no-progress
      fi ;;
    yarn)
      info 'Installing node modules (yarn install --frozen-lockfile)'
      try_tool yarn install --frozen-lockfile --non-interactive --ignore-engines "${production[@]}" ;;
    berry)
      info 'Installing node modules (yarn install --immutable)'
      try_tool yarn install --immutable ;;
    pnpm)
      [[ ${production[0]} == --production ]] && production=(--prod) || production=(--prod=false)
      info 'Installing node modules (pnpm install --frozen-lockfile)'
      try_tool pnpm install --frozen-lockfile "${production[@]}" ;;
  esac
}

# npm 6 has other names for --omit=dev and --include=dev.
npm_flag() {
  if [[ ${NPM_VERSION-} != 6.* ]]; then printf '%s' "$1"
  elif [[ $1 == --omit=dev ]]; then printf -- --production
  else printf -- --production=false; fi
}

# yes: the install takes devDependencies, and they are pruned after the build.
needs_dev() {
  if ((OWN_SCRIPTS)) || [[ $PM == berry || $(install_mode) != production ]]; then printf yes; else printf no; fi
}

try_tool() {
  TOOL="$1 $2"
  # With CI set, pnpm asks no questions. Scripts of the app do not get it, because some of them would treat warnings as errors.
  with_tool_env CI=true "$@" 2>&1 | indent
  (($? == 0 && PIPESTATUS[0] == 0))
}

run_tool() { try_tool "$@" || tool_failed; }

tool_failed() {
  cause_is network && die_of_network "$TOOL could not reach the package registry (see above)."
  cause_is lockfile || die "$TOOL failed (see above)."
  die "$TOOL failed: $LOCKFILE and package.json do not agree (see above)." "Run ${TOOL%% *} install, commit both files and push again."
}

run_script() {
  local name=$1
  shift
  [[ -n ${SCRIPTS[$name]-} ]] || return 0
  step "Running $name${1:+ ($*)}"
  [[ $PM != npm || $# == 0 ]] || set -- -- "$@"
  (cd "$BUILD_DIR" && with_app_env "${PM/berry/yarn}" run "$name" "$@") 2>&1 | indent
  ((PIPESTATUS[0] == 0)) || die "The script \"$name\" of package.json failed (see above)."
}

# Runs the build of the app. As on Heroku, heroku-postbuild replaces build if both exist.
run_build_scripts() {
  local -a flags=()
  read -ra flags <<<"$(config_value "$ENV_DIR" NODE_BUILD_FLAGS '')"
  if [[ -n ${SCRIPTS[heroku-postbuild]-} ]]; then run_script heroku-postbuild "${flags[@]}"; else run_script build "${flags[@]}"; fi
}

# True when the config of the app asks to keep devDependencies.
skips_pruning() {
  case $PM in
    berry) [[ $(config_value "$ENV_DIR" YARN2_SKIP_PRUNING false) == true ]] ;;
    pnpm) [[ $(config_value "$ENV_DIR" PNPM_SKIP_PRUNING false) == true ]] ;;
    *) false ;;
  esac
}

prune_dependencies() {
  local -a flags=()
  [[ $(install_mode) == production ]] || return 0
  if skips_pruning; then info 'Keeping devDependencies, because the config of the app says so'; return 0; fi
  cd "$BUILD_DIR" || exit 1
  info 'Pruning devDependencies'
  case $PM in
    npm)
      [[ -n $LOCKFILE ]] || flags=(--no-package-lock)
      run_tool npm prune "$(npm_flag --omit=dev)" "${flags[@]}" --no-progress ;;
    yarn) run_tool yarn install --frozen-lockfile --non-interactive --ignore-engines --production --ignore-scripts --prefer-offline ;;
    berry) run_tool yarn workspaces focus --all --production ;;
    pnpm) prune_pnpm ;;
  esac
}

# `pnpm prune` does not support workspaces: it empties node_modules of their members.
prune_pnpm() {
  if [[ -f $BUILD_DIR/pnpm-workspace.yaml ]]; then
    run_tool pnpm install --prod --frozen-lockfile --ignore-scripts --prefer-offline
  else
    run_tool pnpm prune --prod --ignore-scripts
  fi
}

# pnpm writes the time of an install into a file. Equal installs must give equal files.
settle_pnpm() {
  local file=$BUILD_DIR/node_modules/.modules.yaml
  rm -f "$BUILD_DIR"/node_modules/.pnpm-workspace-state*.json
  [[ -f $file && ! -L $file ]] || return 0
  sed -i -E 's/^( *"?prunedAt"?: )("[^"]*"|[^",]*, [^",]*)/\1"Thu, 01 Jan 1970 00:00:00 GMT"/' "$file"
}
