# shellcheck shell=bash
# Reads package.json and finds the lockfile, without starting Node.
# Sets PKG (flattened text), HAS_DEPENDENCIES, SCRIPTS, NODE_RANGE, PM (npm, yarn, berry, pnpm), PM_SPEC, LOCKFILE, OWN_SCRIPTS.

BUILD_SCRIPTS='heroku-prebuild build heroku-postbuild heroku-cleanup'
# Scripts of the root that an install runs. Their results depend on more than the lockfile.
INSTALL_SCRIPTS='preinstall install postinstall prepublish preprepare prepare postprepare'

read_facts() {
  local path type value
  PKG=$(awk -f "$LIB_DIR/json.awk" "$BUILD_DIR/package.json") ||
    die 'package.json is not valid JSON.' 'Check it with: node -p "JSON.parse(fs.readFileSync(\"package.json\"))"'
  HAS_DEPENDENCIES=0 NODE_RANGE='' PM_SPEC='' OWN_SCRIPTS=0
  declare -gA SCRIPTS=() ENGINES=()
  while IFS=$'\t' read -r path type value; do
    case $path in
      /dependencies/* | /optionalDependencies/* | /devDependencies/* | /workspaces | /peerDependencies/*) HAS_DEPENDENCIES=1 ;;
      /scripts/*) [[ $type == s ]] && SCRIPTS[${path#/scripts/}]=1 ;;
      /engines/*) [[ $type == s ]] && ENGINES[${path#/engines/}]=$value ;;
      /packageManager) PM_SPEC=$value ;;
    esac
  done <<<"$PKG"
  NODE_RANGE=${ENGINES[node]-}
  note_own_scripts
  choose_package_manager
}

note_own_scripts() {
  local name
  for name in $BUILD_SCRIPTS $INSTALL_SCRIPTS; do [[ -n ${SCRIPTS[$name]-} ]] && OWN_SCRIPTS=1; done
  return 0
}

choose_package_manager() {
  LOCKFILE='' PM=npm EXTRA_TOOLS=''
  if [[ -f $BUILD_DIR/pnpm-lock.yaml ]]; then PM=pnpm LOCKFILE=pnpm-lock.yaml
  elif [[ -f $BUILD_DIR/yarn.lock ]]; then PM=yarn LOCKFILE=yarn.lock
  elif [[ -f $BUILD_DIR/package-lock.json ]]; then LOCKFILE=package-lock.json
  elif [[ -f $BUILD_DIR/npm-shrinkwrap.json ]]; then LOCKFILE=npm-shrinkwrap.json
  elif [[ $PM_SPEC == pnpm@* ]]; then PM=pnpm
  elif [[ $PM_SPEC == yarn@* ]]; then PM=yarn
  fi
  PM_SPEC=${PM_SPEC%%+*}
  [[ $PM_SPEC == "$PM"@* ]] || PM_SPEC=''
  case $PM in
    pnpm) EXTRA_TOOLS=${PM_SPEC:-pnpm@${ENGINES[pnpm]:-10}} ;;
    yarn) choose_yarn ;;
  esac
}

choose_yarn() {
  if [[ $PM_SPEC == yarn@1.* || ( -z $PM_SPEC && ! -f $BUILD_DIR/.yarnrc.yml ) ]]; then
    EXTRA_TOOLS=${PM_SPEC:-yarn@${ENGINES[yarn]:-1.22.22}}
  else
    PM=berry EXTRA_TOOLS=@yarnpkg/cli-dist@${PM_SPEC#yarn@}
    [[ -z $PM_SPEC ]] && EXTRA_TOOLS=@yarnpkg/cli-dist@${ENGINES[yarn]:-4}
  fi
  return 0
}

# The key of the layer node_modules. Needs collect_inputs. If the app has scripts, the install alone does not give the final folder.
dependencies_key() {
  local key
  key="node_modules $PM $INSTALL_KEY"
  # A key that no other build has, so that the folder is never reused.
  if [[ -n $NO_REUSE ]] || ((OWN_SCRIPTS)); then key+=" ${REQUEST_ID:-$SRANDOM}"; fi
  printf '%s' "$key"
}

# production: the slug has no devDependencies. As on Heroku, the config of the app can change this.
install_mode() {
  if [[ $(config_value "$ENV_DIR" NPM_CONFIG_PRODUCTION true) == false || $(config_value "$ENV_DIR" YARN_PRODUCTION true) == false ||
    $(config_value "$ENV_DIR" NODE_ENV production) != production ]]; then
    printf development
  else
    printf production
  fi
}
