# shellcheck shell=bash
# Finds the Python of the stack, creates a virtual environment for the app, and installs packages into it.

VENV_PATH=.heroku/python

# Sets PYTHON and PYTHON_VERSION (3.11.2).
find_python() {
  PYTHON=$(command -v python3) || die 'This stack has no python3.' 'The operator installs it on the builder and every node: apt install python3 python3-venv'
  # Without sitecustomize and user packages of the app.
  PYTHON_VERSION=$("$PYTHON" -I -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])') || die 'The python3 of this stack cannot be started.'
}

# Sets PLAN (what to install) and the other facts of lib/plan.py. Ends the compile if they cannot be read.
read_plan() {
  local kind value text
  PLAN='' PLAN_HASH='' ENV_HASH='' UNKEYED='' HAS_LOCAL=0 DEPENDENCIES=() WARNINGS=() REFUSED=''
  text=$("$PYTHON" -I -S "$HERE/lib/plan.py" "$BUILD_DIR" "$ENV_DIR" "$PYTHON_VERSION") ||
    die 'The requirements of this app could not be read (see above).' 'Check requirements.txt and pyproject.toml, commit and push again.'
  while IFS=$'\t' read -r kind value; do
    case $kind in
      plan) PLAN=$value ;;
      hash) PLAN_HASH=$value ;;
      env) ENV_HASH=$value ;;
      unkeyed) UNKEYED=$value ;;
      local) HAS_LOCAL=1 ;;
      dependency) DEPENDENCIES+=("$value") ;;
      warn) WARNINGS+=("$value") ;;
      refuse) REFUSED=$value ;;
    esac
  done <<<"$text"
}

# Equal keys promise equal content. If the digest does not cover everything, the key is one that no other build has.
venv_key() {
  printf 'venv %s %s %s %s' "$PYTHON_VERSION" "${STACK-}" "$HOSTTYPE" "$PLAN_HASH"
  if [[ -n $UNKEYED ]]; then printf ' %s' "${REQUEST_ID:-$SRANDOM}"; fi
}

make_venv() {
  rm -rf "${BUILD_DIR:?}/$VENV_PATH"
  "$PYTHON" -I -m venv --without-pip "$BUILD_DIR/$VENV_PATH" ||
    die 'The virtual environment could not be created.' 'The operator installs the missing package on the builder: apt install python3-venv'
}

FIND_PIP='import importlib.util, os; print(os.path.dirname(importlib.util.find_spec("pip").origin))'

# Runs the pip of the stack, or else the pip of ensurepip. The virtual environment gets no copy of pip.
run_pip() {
  local wheel folder
  folder=$("$PYTHON" -I -c "$FIND_PIP" 2>/dev/null)
  # `pip --python` would run this too, but it takes a second longer.
  if [[ -n $folder && -f $folder/__pip-runner__.py ]]; then
    with_tool_env _PIP_RUNNING_IN_SUBPROCESS=1 "$BUILD_DIR/$VENV_PATH/bin/python3" "$folder/__pip-runner__.py" "$@"
    return
  fi
  for wheel in /usr/share/python-wheels/pip-*.whl /usr/lib/python3*/ensurepip/_bundled/pip-*.whl; do
    [[ -f $wheel ]] || continue
    with_tool_env "$PYTHON" "$wheel/pip" --python "$BUILD_DIR/$VENV_PATH/bin/python3" "$@"
    return
  done
  die 'This app has requirements, but this builder has no pip.' 'The operator installs it: apt install python3-venv python3-pip'
}

install_requirements() {
  local -a what=()
  case $PLAN in
    requirements) what=(-r requirements.txt) ;;
    project)
      printf '%s\n' "${DEPENDENCIES[@]}" >"$CACHE_DIR/pyproject-requirements.txt"
      what=(-r "$CACHE_DIR/pyproject-requirements.txt") ;;
    build) what=(.) ;;
  esac
  info "Installing requirements with pip (${what[*]/#$CACHE_DIR*/pyproject.toml})"
  if [[ -n $UNKEYED ]]; then info "Each build installs them again, because $UNKEYED."; fi
  keep_sound_wheels
  cd "$BUILD_DIR" || exit 1
  # pip needs the config of the app: indexes (PIP_EXTRA_INDEX_URL), and variables in requirements such as ${TOKEN}.
  read_app_env "$ENV_DIR"
  # Byte code in the source folders of the app would contain the time of this build.
  TOOL_ENV=("HOME=$BUILD_HOME" "PIP_CACHE_DIR=$CACHE_DIR/pip" PYTHONDONTWRITEBYTECODE=1)
  run_pip install --no-compile --no-input --disable-pip-version-check --progress-bar off "${what[@]}" 2>&1 | indent
  ((PIPESTATUS[0] == 0)) && return 0
  if cause_is network; then
    die 'pip could not reach the package index (see above).' \
      'Push again. If it fails again, set an index that the builder can reach: slipway config:set PIP_INDEX_URL=https://…'
  fi
  die 'pip could not install the requirements (see above).' 'Check names and versions in requirements.txt, commit and push again.'
}

# pip caches the wheels that it built by their address. They are kept only if nothing else decides their content.
keep_sound_wheels() {
  local mark=$CACHE_DIR/pip-wheels-of
  if ((HAS_LOCAL)) || [[ -n $UNKEYED || ! -f $mark || $(<"$mark") != "$ENV_HASH" ]]; then rm -rf "$CACHE_DIR/pip/wheels"; fi
  printf '%s' "$ENV_HASH" >"$mark"
}

# Compiles byte code that does not depend on the times of files, and makes scripts find the interpreter in any folder.
finish_venv() {
  local script first
  "$BUILD_DIR/$VENV_PATH/bin/python3" -I -m compileall -q --invalidation-mode unchecked-hash "$BUILD_DIR/$VENV_PATH/lib" >/dev/null ||
    info 'Some modules could not be compiled to byte code. Python compiles them at their first import.'
  for script in "$BUILD_DIR/$VENV_PATH"/bin/*; do
    [[ -f $script && ! -L $script ]] || continue
    IFS= read -r first <"$script"
    [[ $first == "#!$BUILD_DIR/$VENV_PATH/bin/python"* ]] && sed -i '1s|^#!.*|#!/usr/bin/env python3|' "$script"
  done
  return 0
}
