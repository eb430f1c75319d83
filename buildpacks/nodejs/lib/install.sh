# shellcheck shell=bash
# Installing dependencies, running the app's build scripts, pruning.

# Sets the environments in which with_tool_env and with_app_env run package managers and the app's scripts.
use_runtime() {
  read_app_env "$ENV_DIR"
  DEFAULT_ENV=(NODE_ENV=production)
  TOOL_ENV=(
    "PATH=$BUILD_DIR/$RUNTIME_PATH/bin:$BUILD_DIR/node_modules/.bin:$PATH"
    # Caches and droppings of the tools belong to the cache, not to the slug.
    "HOME=$CACHE_DIR/home" "npm_config_cache=$CACHE_DIR/npm" "YARN_CACHE_FOLDER=$CACHE_DIR/yarn"
    npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
    YARN_ENABLE_GLOBAL_CACHE=false YARN_ENABLE_TELEMETRY=0 COREPACK_ENABLE_STRICT=0
  )
  # pnpm takes its settings where npm does, and npm complains of them.
  [[ $PM == pnpm ]] && TOOL_ENV+=("npm_config_store_dir=$CACHE_DIR/pnpm" npm_config_package_import_method=copy)
  mkdir -p "$CACHE_DIR/home"
}

# yarn or pnpm, installed next to npm into the runtime layer.
provide_extra_tools() {
  [[ -n $EXTRA_TOOLS ]] || return 0
  is_reused "$RUNTIME_PATH" && return 0
  info "Installing $EXTRA_TOOLS"
  HOME=$CACHE_DIR/home npm_config_cache=$CACHE_DIR/npm run_npm install --global --silent --no-save --prefix "$BUILD_DIR/$RUNTIME_PATH" "$EXTRA_TOOLS" ||
    die "$EXTRA_TOOLS could not be installed from the registry."
  rm -f "$BUILD_DIR/$RUNTIME_PATH/lib/node_modules/.package-lock.json"
}

install_dependencies() {
  local omit=() production=()
  # Without build scripts nobody needs devDependencies: they are left out at once instead of pruned later.
  if [[ $1 == final && $(install_mode) == production ]]; then omit=(--omit=dev) production=(--production); else omit=(--include=dev) production=(--production=false); fi
  cd "$BUILD_DIR" || exit 1
  case $PM in
    npm)
      if [[ -n $LOCKFILE ]]; then
        info "Installing node modules (npm ci, $LOCKFILE)"
        run_tool npm ci "${omit[@]}" --no-progress
      else
        warn 'There is no lockfile, so every build may get other versions.' 'Create one with: npm install && git add package-lock.json'
        info 'Installing node modules (npm install)'
        run_tool npm install "${omit[@]}" --no-package-lock --no-progress
      fi ;;
    yarn)
      info 'Installing node modules (yarn install --frozen-lockfile)'
      run_tool yarn install --frozen-lockfile --non-interactive --ignore-engines "${production[@]}" ;;
    berry)
      info 'Installing node modules (yarn install --immutable)'
      run_tool yarn install --immutable ;;
    pnpm)
      [[ ${production[0]} == --production ]] && production=(--prod) || production=(--prod=false)
      info 'Installing node modules (pnpm install --frozen-lockfile)'
      run_tool pnpm install --frozen-lockfile "${production[@]}" ;;
  esac
}

run_tool() {
  # CI: without a terminal pnpm asks nothing. The app's scripts do not get it: some of them take warnings for errors then.
  with_tool_env CI=true "$@" 2>&1 | indent
  (($? == 0 && PIPESTATUS[0] == 0)) && return 0
  if cause_is network; then
    die "$1 $2 could not reach the package registry (see above)." \
      'Push again; if it stays so, name a registry that the builder reaches: slipway config:set NPM_CONFIG_REGISTRY=https://…'
  fi
  cause_is lockfile || die "$1 $2 failed (see above)."
  die "$1 $2 failed: $LOCKFILE and package.json do not agree (see above)." "Run $1 install, commit both files and push again."
}

run_script() {
  [[ -n ${SCRIPTS[$1]-} ]] || return 0
  step "Running $1"
  (cd "$BUILD_DIR" && with_app_env "${PM/berry/yarn}" run "$1") 2>&1 | indent
  ((PIPESTATUS[0] == 0)) || die "The script \"$1\" of package.json failed (see above)."
}

# The app's own build: heroku-postbuild stands in for build where both exist (Heroku).
run_build_scripts() {
  if [[ -n ${SCRIPTS[heroku-postbuild]-} ]]; then run_script heroku-postbuild; else run_script build; fi
}

prune_dependencies() {
  [[ $(install_mode) == production ]] || return 0
  cd "$BUILD_DIR" || exit 1
  info 'Pruning devDependencies'
  case $PM in
    npm) if [[ -n $LOCKFILE ]]; then run_tool npm prune --omit=dev --no-progress; else run_tool npm prune --omit=dev --no-package-lock --no-progress; fi ;;
    yarn) run_tool yarn install --frozen-lockfile --non-interactive --ignore-engines --production --ignore-scripts --prefer-offline ;;
    berry) run_tool yarn workspaces focus --all --production ;;
    pnpm) run_tool pnpm prune --prod --ignore-scripts ;;
  esac
}
